SELECT json_build_object(
  'relations', (SELECT json_agg(json_build_array(c.oid::int8, n.nspname, c.relname,
      (SELECT json_agg(json_build_array(a.attnum, a.attname, COALESCE(NULLIF(t.typbasetype, 0::oid), a.atttypid)::int8,
          COALESCE(CASE WHEN a.atthasdef THEN to_json(a) ->> 'attgenerated' END, '') <> '') ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) ORDER BY c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't' AND n.nspname <> 'pg_toast'),
  'views', (SELECT json_agg(json_build_array(r.ev_class::int8, r.ev_action::text) ORDER BY r.oid)
    FROM pg_rewrite r WHERE r.ev_type = '1' AND r.rulename = '_RETURN' AND r.ev_class >= 16384::oid),
  'inherits', (SELECT json_agg(json_build_array(i.inhparent::int8, i.inhrelid::int8)) FROM pg_inherits i),
  'texts', (SELECT json_agg(t.oid::int8) FROM pg_type t WHERE t.typcategory = 'S' AND t.typtype = 'b' AND t.oid >= 16384::oid)
)::text
