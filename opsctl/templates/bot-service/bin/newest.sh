# Print the newest backup of the database: sh bin/newest.sh FOLDER
set -eu
newest=
for file in "$1"/database-*.dump; do
    # The names hold the time, so that the last of them is the newest.
    [ -s "$file" ] && newest=$file
done
[ -n "$newest" ] || { echo "$1 holds no backup of the database" >&2; exit 1; }
echo "$newest"
