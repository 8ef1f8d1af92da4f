# Exit 0 where the newest backup of the database can be read: sh bin/readable.sh FOLDER
set -eu
file=$(sh bin/newest.sh "$1")
pg_restore --list "$file" >/dev/null
echo "$file can be read"
