WITH
space AS (
  SELECT n.oid, n.nspname, n.nspacl, n.nspowner FROM pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
),
member AS (
  SELECT d.classid, d.objid FROM pg_depend d WHERE d.deptype = 'e'
)
SELECT json_build_object(
  'name', current_database(),
  'version', current_setting('server_version_num')::int4,
  'role', (SELECT json_build_array(r.rolname, r.rolsuper, r.rolcreaterole, r.rolbypassrls,
      (SELECT bool_or(pg_has_role(g.oid, 'MEMBER')) FROM pg_roles g
        WHERE g.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')))
    FROM pg_roles r WHERE r.rolname = current_user),
  'schemas', (SELECT json_agg(json_build_array(s.nspname, EXISTS (
        SELECT FROM aclexplode(coalesce(s.nspacl, acldefault('n', s.nspowner))) a
        WHERE a.grantee = 0 AND a.privilege_type = 'CREATE')) ORDER BY s.nspname)
    FROM space s),
  'tables', (SELECT json_agg(json_build_array(s.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner),
      CASE
        WHEN c.relkind = 'p' THEN (SELECT sum(greatest(l.reltuples, 0))::int8
          FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf)
        WHEN c.relkind IN ('r', 'm') AND c.reltuples >= 0 THEN c.reltuples::int8
        WHEN c.relkind IN ('r', 'm') THEN nullif(pg_stat_get_live_tuples(c.oid), 0)
      END,
      c.relrowsecurity,
      (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), t.typcategory,
          coalesce(b.typname, t.typname), has_column_privilege(c.oid, a.attnum, 'SELECT')) ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) ORDER BY s.nspname, c.relname)
    FROM pg_class c JOIN space s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)),
  'functions', (SELECT json_agg(json_build_array(s.nspname, p.proname, pg_get_function_identity_arguments(p.oid),
      l.lanname, NOT l.lanpltrusted, p.prosecdef,
      EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting LIKE 'search\_path=%'),
      o.rolsuper,
      EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE'))
      ORDER BY s.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
    FROM pg_proc p JOIN space s ON s.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
      JOIN pg_roles o ON o.oid = p.proowner
    WHERE (p.prosecdef OR NOT l.lanpltrusted)
      AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)),
  'triggers', (SELECT json_agg(json_build_array(s.nspname, c.relname, t.tgname, f.nspname, p.proname, p.prosecdef)
      ORDER BY s.nspname, c.relname, t.tgname)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN space s ON s.oid = c.relnamespace
      JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace f ON f.oid = p.pronamespace
    WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND NOT c.relispartition),
  'event_triggers', (SELECT json_agg(json_build_array(e.evtname, f.nspname, p.proname, p.prosecdef) ORDER BY e.evtname)
    FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_namespace f ON f.oid = p.pronamespace
    WHERE e.evtenabled <> 'D'),
  'rules', (SELECT json_agg(json_build_array(s.nspname, c.relname, r.rulename)
      ORDER BY s.nspname, c.relname, r.rulename)
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN space s ON s.oid = c.relnamespace
    WHERE r.rulename <> '_RETURN' AND r.ev_enabled <> 'D'
      AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)),
  'extensions', (SELECT json_agg(e.extname ORDER BY e.extname) FROM pg_extension e),
  'untrusted_languages', (SELECT json_agg(l.lanname ORDER BY l.lanname) FROM pg_language l
    WHERE NOT l.lanpltrusted AND l.lanname NOT IN ('internal', 'c')),
  'foreign_servers', (SELECT json_agg(f.srvname ORDER BY f.srvname) FROM pg_foreign_server f)
)::text
