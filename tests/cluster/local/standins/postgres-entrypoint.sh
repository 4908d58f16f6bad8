#!/bin/sh
# The part of the official postgres image's contract that charts rely on: POSTGRES_PASSWORD, POSTGRES_USER and
# POSTGRES_DB (each also as ..._FILE), POSTGRES_INITDB_ARGS, PGDATA, /docker-entrypoint-initdb.d, arguments of the
# server, any numeric user, a read-only root file system.
set -eu

from_file() { # NAME DEFAULT: the variable, or the content of the file that NAME_FILE names
  eval "value=\${$1:-} file=\${${1}_FILE:-}"
  [ -z "$file" ] || value=$(cat "$file")
  export "$1=${value:-$2}"
  unset "${1}_FILE"
}

refuse_old_mount() {
  # From 18 on the official image keeps its data in a folder of its version and refuses a volume at the old place.
  if [ "$PG_MAJOR" -ge 18 ] && [ "$PGDATA" = "/var/lib/postgresql/$PG_MAJOR/docker" ] \
    && grep -q ' /var/lib/postgresql/data ' /proc/mounts; then
    echo "Error: in 18+ the volume belongs at /var/lib/postgresql (or set PGDATA); there is one at /var/lib/postgresql/data" >&2
    exit 1
  fi
}

leave_root() {
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown -R postgres "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
  fi
}

make_database_folder() {
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA" 2>/dev/null || true
  # initdb wants to know its user by name; in Kubernetes it may be any number.
  if ! getent passwd "$(id -u)" >/dev/null; then
    NSS_WRAPPER_PASSWD=$(mktemp) NSS_WRAPPER_GROUP=$(mktemp)
    LD_PRELOAD=$(ls /usr/lib/*/libnss_wrapper.so)
    echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" >"$NSS_WRAPPER_PASSWD"
    echo "postgres:x:$(id -g):" >"$NSS_WRAPPER_GROUP"
    export LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  fi
  password=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
  # shellcheck disable=SC2086 (several arguments in one variable, as in the official image)
  initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile="$password" ${POSTGRES_INITDB_ARGS:-}
  rm -f "$password"
  if [ -n "${LD_PRELOAD:-}" ]; then
    rm -f "$NSS_WRAPPER_PASSWD" "$NSS_WRAPPER_GROUP"
    unset LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  fi
  echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
}

run_scripts() {
  # No listening address: nobody may connect before the scripts are through.
  pg_ctl --pgdata="$PGDATA" --wait --options="-c listen_addresses=''" start
  export PGPASSWORD="$POSTGRES_PASSWORD"
  [ "$POSTGRES_DB" = postgres ] || createdb --username="$POSTGRES_USER" --maintenance-db=postgres "$POSTGRES_DB"
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sql) psql -v ON_ERROR_STOP=1 --no-password --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --file="$script" ;;
      *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
    esac
  done
  unset PGPASSWORD
  pg_ctl --pgdata="$PGDATA" --wait --mode=fast stop
}

case ${1:-postgres} in
  postgres) [ $# = 0 ] || shift ;;
  -*) ;;
  *) exec "$@" ;;
esac
refuse_old_mount
leave_root "$@"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  from_file POSTGRES_PASSWORD ''
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  : "${POSTGRES_PASSWORD:?must be set: the superuser cannot be without a password}"
  make_database_folder
  run_scripts
fi
unset POSTGRES_PASSWORD
exec postgres -D "$PGDATA" -c listen_addresses='*' "$@"
