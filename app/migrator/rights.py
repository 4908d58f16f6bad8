"""The rights of the app's role: rows of the slices, and a look at the bookkeeping.

Granted in one statement that asks the server first. Where the role has its default privileges, tables are left as
they are: a revision that took a right away is not undone. Where it has not (the setting came later than the tables,
or a restore left the rights behind), it is granted everything, once.
"""

from sqlalchemy.sql.elements import quoted_name

VERSION_TABLES = ("alembic_version", "alembic_version_gated")
BOOKKEEPING = (*VERSION_TABLES, "plinth_migration_log")

# On a session whose search_path is anybody's; $1 is the role.
_HAS_DEFAULTS = """EXISTS (
  SELECT FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a
   WHERE d.defaclnamespace OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace('public')::pg_catalog.oid
     AND d.defaclrole OPERATOR(pg_catalog.=) pg_catalog.to_regrole(pg_catalog.quote_ident(current_user))::pg_catalog.oid
     AND d.defaclobjtype OPERATOR(pg_catalog.=) 'r'::pg_catalog."char"
     AND a.privilege_type OPERATOR(pg_catalog.=) 'INSERT'
     AND a.grantee OPERATOR(pg_catalog.=) {role})"""
_MAY_READ = """NOT EXISTS (
  SELECT FROM pg_catalog.unnest(ARRAY[{tables}]) AS kept(name)
   WHERE pg_catalog.has_table_privilege({role}, pg_catalog.to_regclass('public.' OPERATOR(pg_catalog.||) name)::pg_catalog.oid, 'SELECT')
         IS FALSE)"""  # noqa: E501
_TABLES = ", ".join(f"'{name}'::pg_catalog.text" for name in BOOKKEEPING)
_OID = "pg_catalog.to_regrole(pg_catalog.quote_ident({name}))::pg_catalog.oid"

STATE = f"""
SELECT CASE WHEN {_OID.format(name="$1")} IS NULL THEN 'missing'
            WHEN {_HAS_DEFAULTS.format(role=_OID.format(name="$1"))}
             AND {_MAY_READ.format(role=_OID.format(name="$1"), tables=_TABLES)} THEN 'granted'
            ELSE 'ungranted' END
"""
"""Whether the role named by the one parameter is missing, ungranted or granted."""


def quote(identifier: str) -> str:
    """An SQL identifier, always quoted."""
    return '"' + quoted_name(identifier, quote=True).replace('"', '""') + '"'


def literal(value: str) -> str:
    """An SQL string, whatever is in it and however the server reads backslashes."""
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def grant(app_role: str) -> str:
    """One statement that gives the app's role its rights where it lacks them; it fails where there is no such role."""
    role = "app"
    return f"""DO $plinth_rights$
DECLARE
  app oid := {_OID.format(name=literal(app_role))};
  app_name text := pg_catalog.quote_ident({literal(app_role)});
  had_defaults boolean;
  one record;
BEGIN
  IF app IS NULL THEN
    RAISE EXCEPTION 'the app''s role % does not exist; create it, then run this again', app_name
      USING ERRCODE = 'undefined_object';
  END IF;
  IF app = {_OID.format(name="current_user")} THEN
    RETURN;
  END IF;
  had_defaults := {_HAS_DEFAULTS.format(role=role)};
  IF NOT had_defaults THEN
    EXECUTE pg_catalog.format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %s', app_name);
    EXECUTE pg_catalog.format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO %s', app_name);
  END IF;
  IF NOT pg_catalog.has_schema_privilege(app, 'public', 'USAGE') THEN
    EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA public TO %s', app_name);
  END IF;
  FOR one IN
    SELECT pg_catalog.format('%I.%I', 'public', c.relname) AS name, c.relkind = 'S' AS is_sequence,
           c.relname = ANY (ARRAY[{_TABLES}]) AS is_ours
      FROM pg_catalog.pg_class c
     WHERE c.relnamespace = 'public'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
       AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
  LOOP
    IF one.is_ours THEN
      IF NOT pg_catalog.has_table_privilege(app, one.name::pg_catalog.regclass, 'SELECT') THEN
        EXECUTE pg_catalog.format('GRANT SELECT ON %s TO %s', one.name, app_name);
      END IF;
    ELSIF NOT had_defaults THEN
      EXECUTE pg_catalog.format('GRANT %s ON %s %s TO %s',
        CASE WHEN one.is_sequence THEN 'USAGE, SELECT' ELSE 'SELECT, INSERT, UPDATE, DELETE' END,
        CASE WHEN one.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, one.name, app_name);
    END IF;
  END LOOP;
END $plinth_rights$"""  # noqa: E501, S608 - what comes from outside is quoted
