WITH
fn AS (
  SELECT p.oid, n.nspname, p.proname, p.prokind, p.provolatile, p.pronargs, p.pronargdefaults,
         (p.provariadic OPERATOR(pg_catalog.<>) 0::pg_catalog.oid) AS takes_many, l.lanname, p.prosecdef,
         e.extname, p.probin, o.rolsuper,
         (SELECT pg_catalog.json_build_array(g.aggtransfn::pg_catalog.oid::pg_catalog.int8, g.aggfinalfn::pg_catalog.oid::pg_catalog.int8,
            g.aggcombinefn::pg_catalog.oid::pg_catalog.int8, g.aggmtransfn::pg_catalog.oid::pg_catalog.int8, g.aggminvtransfn::pg_catalog.oid::pg_catalog.int8,
            g.aggmfinalfn::pg_catalog.oid::pg_catalog.int8, g.aggserialfn::pg_catalog.oid::pg_catalog.int8, g.aggdeserialfn::pg_catalog.oid::pg_catalog.int8)
          FROM pg_catalog.pg_aggregate g WHERE g.aggfnoid::pg_catalog.oid OPERATOR(pg_catalog.=) p.oid) AS steps
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
  JOIN pg_catalog.pg_roles o ON o.oid OPERATOR(pg_catalog.=) p.proowner
  JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
  LEFT JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
    AND d.objid OPERATOR(pg_catalog.=) p.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'::pg_catalog."char"
  LEFT JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
  WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
),
sysfn AS (
  SELECT p.proname,
         pg_catalog.max(CASE WHEN 2275::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (p.proargtypes)
                    OR 2281::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (p.proargtypes)
                  THEN 'x'::pg_catalog.text ELSE p.provolatile::pg_catalog.text END) AS mark
  FROM pg_catalog.pg_proc p
  WHERE p.pronamespace OPERATOR(pg_catalog.=) 11::pg_catalog.oid
    AND p.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid
  GROUP BY p.proname
),
cols AS (
  SELECT a.attrelid, pg_catalog.json_agg(pg_catalog.json_build_array(a.attname, a.atttypid::pg_catalog.int8) ORDER BY a.attnum) AS list
  FROM pg_catalog.pg_attribute a
  WHERE a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped
  GROUP BY a.attrelid
),
rel AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relrowsecurity, c.relispartition, cols.list, s.srvname
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  LEFT JOIN cols ON cols.attrelid OPERATOR(pg_catalog.=) c.oid
  LEFT JOIN pg_catalog.pg_foreign_table f ON f.ftrelid OPERATOR(pg_catalog.=) c.oid
  LEFT JOIN pg_catalog.pg_foreign_server s ON s.oid OPERATOR(pg_catalog.=) f.ftserver
  WHERE c.relkind OPERATOR(pg_catalog.<>) 't'::pg_catalog."char"
    AND NOT (c.relkind OPERATOR(pg_catalog.=) 'i'::pg_catalog."char" AND c.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid)
    AND c.relpersistence OPERATOR(pg_catalog.<>) 't'::pg_catalog."char"
),
fk AS (
  SELECT k.oid, k.conrelid, k.confrelid, k.confdeltype, k.confupdtype,
    (SELECT pg_catalog.json_agg(a.attname ORDER BY u.n) FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, n)
       JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) k.conrelid AND a.attnum OPERATOR(pg_catalog.=) u.num) AS cols,
    (SELECT pg_catalog.json_agg(a.attname ORDER BY u.n) FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u(num, n)
       JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) k.confrelid AND a.attnum OPERATOR(pg_catalog.=) u.num) AS refs
  FROM pg_catalog.pg_constraint k WHERE k.contype OPERATOR(pg_catalog.=) 'f'::pg_catalog."char"
),
expressions AS (
  SELECT d.adrelid AS rel, 'd' AS kind, pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS text FROM pg_catalog.pg_attrdef d
  UNION ALL
  SELECT k.conrelid, 'c', pg_catalog.pg_get_expr(k.conbin, k.conrelid) FROM pg_catalog.pg_constraint k
  WHERE k.contype OPERATOR(pg_catalog.=) 'c'::pg_catalog."char" AND k.conrelid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
    AND k.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
  UNION ALL
  SELECT i.indrelid, 'i', pg_catalog.pg_get_expr(i.indexprs, i.indrelid) FROM pg_catalog.pg_index i WHERE i.indexprs IS NOT NULL
  UNION ALL
  SELECT i.indrelid, 'i', pg_catalog.pg_get_expr(i.indpred, i.indrelid) FROM pg_catalog.pg_index i WHERE i.indpred IS NOT NULL
  UNION ALL
  SELECT p.partrelid, 'i', pg_catalog.pg_get_expr(p.partexprs, p.partrelid) FROM pg_catalog.pg_partitioned_table p WHERE p.partexprs IS NOT NULL
  UNION ALL
  SELECT p.polrelid, 'p', pg_catalog.pg_get_expr(p.polqual, p.polrelid) FROM pg_catalog.pg_policy p WHERE p.polqual IS NOT NULL
  UNION ALL
  SELECT p.polrelid, 'p', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_catalog.pg_policy p WHERE p.polwithcheck IS NOT NULL
),
typ AS (
  SELECT t.oid, n.nspname, t.typname, t.typtype, t.typrelid, t.typelem, t.typbasetype, r.rngsubtype,
    (SELECT pg_catalog.json_agg(pg_catalog.pg_get_expr(k.conbin, 0::pg_catalog.oid) ORDER BY k.oid) FROM pg_catalog.pg_constraint k
      WHERE k.contypid OPERATOR(pg_catalog.=) t.oid AND k.contype OPERATOR(pg_catalog.=) 'c'::pg_catalog."char") AS checks
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace
  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid OPERATOR(pg_catalog.=) t.oid
  WHERE t.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND n.nspname::pg_catalog.text OPERATOR(pg_catalog.!~) '^pg_(toast|temp)'
)
SELECT pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'path', pg_catalog.to_json(pg_catalog.current_schemas(true)),
  'schemas', (SELECT pg_catalog.json_agg(n.nspname ORDER BY n.nspname) FROM pg_catalog.pg_namespace n WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE'::pg_catalog.text)),
  'relations', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(oid::pg_catalog.int8, nspname, relname, relkind, relrowsecurity, relispartition, list, srvname) ORDER BY oid) FROM rel),
  'functions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(oid::pg_catalog.int8, nspname, proname, prokind, provolatile, pronargs, pronargdefaults, takes_many, lanname, prosecdef, extname, probin, steps, rolsuper) ORDER BY oid) FROM fn),
  'system_functions', (SELECT pg_catalog.json_object_agg(proname, mark ORDER BY proname) FROM sysfn),
  'views', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(c.oid::pg_catalog.int8, pg_catalog.pg_get_viewdef(c.oid)) ORDER BY c.oid) FROM pg_catalog.pg_class c
    WHERE (c.relkind OPERATOR(pg_catalog.=) 'v'::pg_catalog."char" OR c.relkind OPERATOR(pg_catalog.=) 'm'::pg_catalog."char") AND c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid),
  'rules', (SELECT pg_catalog.json_agg(DISTINCT r.ev_class::pg_catalog.int8) FROM pg_catalog.pg_rewrite r WHERE r.rulename OPERATOR(pg_catalog.<>) '_RETURN'::pg_catalog.name AND r.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid),
  'triggers', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(t.tgrelid::pg_catalog.int8, t.tgtype, t.tgfoid::pg_catalog.int8) ORDER BY t.oid) FROM pg_catalog.pg_trigger t
    WHERE NOT t.tgisinternal AND t.tgenabled OPERATOR(pg_catalog.<>) 'D'::pg_catalog."char"),
  'foreign_keys', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(conrelid::pg_catalog.int8, confrelid::pg_catalog.int8, confdeltype, confupdtype, cols, refs) ORDER BY oid) FROM fk),
  'expressions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(rel::pg_catalog.int8, kind, text) ORDER BY rel, kind, text) FROM expressions),
  'inherits', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(i.inhparent::pg_catalog.int8, i.inhrelid::pg_catalog.int8) ORDER BY i.inhrelid, i.inhseqno) FROM pg_catalog.pg_inherits i),
  'operators', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, o.oprname, o.oprcode::pg_catalog.oid::pg_catalog.int8) ORDER BY o.oid)
    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.oprnamespace WHERE o.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid),
  'casts', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(k.castsource::pg_catalog.int8, k.casttarget::pg_catalog.int8, k.castfunc::pg_catalog.int8) ORDER BY k.oid)
    FROM pg_catalog.pg_cast k WHERE k.castfunc OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid),
  'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(oid::pg_catalog.int8, nspname, typname, typtype, typrelid::pg_catalog.int8, typelem::pg_catalog.int8, typbasetype::pg_catalog.int8, COALESCE(rngsubtype::pg_catalog.int8, 0::pg_catalog.int8), checks) ORDER BY oid) FROM typ),
  'system_types', (SELECT pg_catalog.json_agg(t.typname ORDER BY t.typname) FROM pg_catalog.pg_type t
    WHERE t.typnamespace OPERATOR(pg_catalog.=) 11::pg_catalog.oid AND t.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid),
  'event_triggers', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(v.evtevent, v.evtfoid::pg_catalog.int8) ORDER BY v.oid) FROM pg_catalog.pg_event_trigger v WHERE v.evtenabled OPERATOR(pg_catalog.<>) 'D'::pg_catalog."char")
)::pg_catalog.text
