# Read by the image's entrypoint on the first start, while the server listens on its socket only.
for folder in /var/run/postgresql /tmp; do
  if [ -S "$folder/.s.PGSQL.5432" ]; then export PGHOST="$folder"; fi
done
export PGUSER=postgres

# The app's role may log in and no more; what it may do to tables is granted by the first migration.
psql -q -v ON_ERROR_STOP=1 -d postgres <<SQL
SET log_min_error_statement = panic;
CREATE ROLE plinth_owner LOGIN PASSWORD '$(cat /run/secrets/postgresql/owner)';
CREATE ROLE plinth_app LOGIN PASSWORD '$(cat /run/secrets/postgresql/app)';
CREATE DATABASE plinth OWNER plinth_owner;
REVOKE ALL ON DATABASE plinth FROM PUBLIC;
GRANT CONNECT ON DATABASE plinth TO plinth_app;
SQL

dump=/var/lib/postgresql/plinth-upgrade.dump
if [ -s "$dump" ]; then
  echo "Restoring $dump" >&2
  pg_restore --exit-on-error --single-transaction -d plinth "$dump"
  vacuumdb --analyze-only -q -d plinth
fi
rm -f /var/lib/postgresql/unfinished
# Never twice: by another name it is only a backup.
if [ -s "$dump" ]; then mv "$dump" "$dump.restored"; fi
unset PGHOST PGUSER
