# Exit 0 where every variable of a file of settings stands in a document's table:
# sh bin/described.sh docs/configuration.md /srv/bot/.env
set -eu
[ -r "$2" ] || { echo "$2 cannot be read" >&2; exit 1; }
missing=
for name in $(sed -n 's/^\([A-Z][A-Z0-9_]*\)=.*/\1/p' "$2"); do
    grep -q "^| \`$name\`" "$1" || missing="$missing $name"
done
[ -z "$missing" ] || { echo "not described:$missing" >&2; exit 1; }
