#!/bin/sh
# Starts the evaluation database: looks at the volume, then hands over to the image's own entrypoint.
# The data of each major version has a folder of its own, so that no server ever meets another's.
set -eu

root=/var/lib/postgresql
dump=$root/plinth-upgrade.dump # `pg_dump -Fc` of the server before; restored by the first start of a newer one
unfinished=$root/unfinished    # holds the major version whose first start is under way
secrets=/run/secrets/postgresql
export PGDATA="$root/$PG_MAJOR/docker"

refuse() {
  echo "The volume holds the data of PostgreSQL $newest, which PostgreSQL $PG_MAJOR cannot use: $1 Nothing was changed." >&2
  exit 1
}

if [ -e "$unfinished" ]; then
  # Nothing listened yet, so there is nothing to lose; what is half made would look whole to the entrypoint.
  echo "The first start of PostgreSQL $(cat "$unfinished") was cut short: what it left is removed." >&2
  rm -rf "${root:?}/$(cat "$unfinished")/docker" "$unfinished"
fi

newest=0
for file in "$root"/*/docker/PG_VERSION; do
  if [ -s "$file" ] && [ "$(cat "$file")" -gt "$newest" ]; then newest=$(cat "$file"); fi
done

if [ "$newest" -gt "$PG_MAJOR" ]; then
  refuse "set postgresql.image.tag to $newest."
elif [ "$newest" -eq 0 ]; then
  echo "$PG_MAJOR" >"$unfinished"
elif [ "$newest" -lt "$PG_MAJOR" ]; then
  [ -s "$dump" ] || refuse "set postgresql.image.tag back to $newest, dump the database to $dump there, and come again."
  echo "$PG_MAJOR" >"$unfinished"
  # Another spelling of the same folder: the official image refuses its own one beside older data, as it knows no dump.
  PGDATA="$PGDATA/"
else
  # Passwords follow the secrets: a volume outlives them.
  postgres --single -D "$PGDATA" -c log_min_error_statement=panic postgres >/dev/null <<SQL
ALTER ROLE postgres PASSWORD '$(cat $secrets/superuser)'
ALTER ROLE plinth_owner PASSWORD '$(cat $secrets/owner)'
ALTER ROLE plinth_app PASSWORD '$(cat $secrets/app)'
SQL
fi

exec docker-entrypoint.sh postgres
