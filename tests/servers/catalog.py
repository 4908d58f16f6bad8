"""What a database's schema is, as lines that can be compared: two ways to the same schema give the same lines."""

from tests.servers.databases import fetch

_LINES = """
SELECT 'relation ' || c.relname || ' ' || c.relkind::text || ' ' || coalesce(c.relacl::text, '') || ' '
       || c.relrowsecurity::text || c.relforcerowsecurity::text
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'column ' || a.attrelid::regclass::text || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' '
       || a.attnotnull::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint ' || conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index ' || pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function ' || p.oid::regprocedure::text || ' ' || coalesce(p.proacl::text, '') || ' '
       || coalesce(obj_description(p.oid, 'pg_proc'), '') || ' ' || p.prosrc
  FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'default rights ' || defaclobjtype::text || ' ' || defaclacl::text FROM pg_default_acl
"""
_ROWS = """
SELECT 'core ' || version_num FROM alembic_version
UNION ALL SELECT 'gated ' || version_num FROM alembic_version_gated
UNION ALL SELECT 'log ' || lineage || ' ' || revision || ' ' || parents::text FROM plinth_migration_log
"""


async def schema(uri: str) -> list[str]:
    """Everything in the schema public, and the bookkeeping's rows."""
    lines = [row[0] for row in await fetch(uri, _LINES)]
    if any(line.startswith("relation alembic_version ") for line in lines):
        lines += [row[0] for row in await fetch(uri, _ROWS)]
    return sorted(lines)
