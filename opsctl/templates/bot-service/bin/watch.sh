# Check once a minute; the first check that is not well ends it: sh bin/watch.sh MINUTES SELECTOR
set -eu
left=$1
while :; do
    opsctl check "$2" --no-record
    [ "$left" -gt 1 ] || exit 0
    left=$((left - 1))
    sleep 60
done
