# Back the database up: sh bin/dump.sh FOLDER; the password is in PGPASSWORD.
# A backup has its name only when it is whole.
set -eu
umask 077
file="$1/database-$(date -u +%Y%m%dT%H%M%SZ).dump"
pg_dump --host="<<database_host>>" --port="<<database_port>>" --username="<<database_user>>" \
    --format=custom --file="$file.part" "<<database_name>>"
mv "$file.part" "$file"
echo "$file"
