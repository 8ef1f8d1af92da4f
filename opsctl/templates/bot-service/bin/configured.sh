# Exit 0 where every variable that a document names in a table has a value in a file of settings:
# sh bin/configured.sh docs/configuration.md /srv/bot/.env
set -eu
[ -r "$2" ] || { echo "$2 cannot be read" >&2; exit 1; }
names=$(sed -n 's/^| `\([A-Z][A-Z0-9_]*\)`.*/\1/p' "$1")
[ -n "$names" ] || { echo "$1 names no variable" >&2; exit 1; }
missing=
for name in $names; do
    grep -q "^$name=." "$2" || missing="$missing $name"
done
[ -z "$missing" ] || { echo "without a value:$missing" >&2; exit 1; }
