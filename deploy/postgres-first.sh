#!/bin/bash
# Prepares a new primary of docker-compose.scale.yml: roles, the database, and that a commit waits for a replica to have it.
# The password is not an argument: all processes can read those.
psql --set=ON_ERROR_STOP=1 --username=postgres <<'SQL'
\getenv password POSTGRES_PASSWORD
CREATE ROLE paperround LOGIN PASSWORD :'password';
CREATE DATABASE paperround OWNER paperround;
CREATE ROLE replica REPLICATION LOGIN PASSWORD :'password';
ALTER SYSTEM SET synchronous_standby_names = '*';
ALTER SYSTEM SET wal_keep_size = '1GB';
SQL
echo "host replication replica all scram-sha-256" >> "$PGDATA/pg_hba.conf"
