#!/bin/bash
# The part of the published image's entrypoint that tests use: a user, a password, a database.
set -euo pipefail
if [[ "$1" != postgres ]]; then exec "$@"; fi
if [[ "$(id -u)" == 0 ]]; then
  mkdir -p "$PGDATA"
  chown -R postgres "$PGDATA"
  chmod 700 "$PGDATA"
  exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
if [[ ! -s "$PGDATA/PG_VERSION" ]]; then
  user=${POSTGRES_USER:-postgres}
  database=${POSTGRES_DB:-$user}
  method=scram-sha-256
  if [[ "${POSTGRES_HOST_AUTH_METHOD-}" == trust ]]; then
    method=trust
  elif [[ -z "${POSTGRES_PASSWORD-}" ]]; then
    echo "Error: Database is uninitialized and superuser password is not specified." >&2
    exit 1
  fi
  initdb --username="$user" --pwfile=<(echo "${POSTGRES_PASSWORD:-none}") --auth-local=trust --auth-host="$method" >/dev/null
  echo "host all all all $method" >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  if [[ "$database" != postgres ]]; then
    pg_ctl -w start -o "-c listen_addresses=''" >/dev/null
    createdb --username="$user" --maintenance-db=postgres "$database"
    pg_ctl -w -m fast stop >/dev/null
  fi
fi
exec "$@"
