#!/bin/bash
# Starts a server of docker-compose.scale.yml: POSTGRES_PRIMARY, or a replica, which is copied from it into an empty volume.
set -euo pipefail
name=$(hostname)
if [ "$name" != "$POSTGRES_PRIMARY" ]; then
  if [ ! -e "$PGDATA" ]; then
    copy=$PGDATA.copy
    source="host=$POSTGRES_PRIMARY user=replica application_name=$name"
    until rm -rf "$copy" && pg_basebackup --dbname="$source" --pgdata="$copy" --write-recovery-conf --checkpoint=fast; do
      sleep 2
    done
    # Promoted, it has no replica at first, and must not wait for one.
    echo "synchronous_standby_names = ''" >> "$copy/postgresql.auto.conf"
    mv "$copy" "$PGDATA"
  elif [ ! -e "$PGDATA/standby.signal" ]; then
    echo "$name used to be the primary; now $POSTGRES_PRIMARY is. Remove the volume of $name to make it a replica." >&2
    exit 1
  fi
fi
exec docker-entrypoint.sh postgres
