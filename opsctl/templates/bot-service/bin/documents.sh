# Look at all documents: sh bin/documents.sh ordered | linked | indexed
#   ordered  each has front matter with an owner, and one title
#   linked   each link to a file leads to one
#   indexed  each is named in docs/index.md
set -eu
wrong=
for file in docs/*.md; do
    case $1 in
        ordered)
            titles=$(grep -c '^# ' "$file" || :)
            [ "$titles" = 1 ] && sed -n '2,/^---$/p' "$file" | grep -q '^owner: .' || wrong="$wrong $file"
            ;;
        linked)
            for target in $(grep -o ']([^)#:]*)' "$file" | sed 's/^](//; s/)$//'); do
                [ -e "docs/$target" ] || wrong="$wrong $file:$target"
            done
            ;;
        indexed)
            [ "$file" = docs/index.md ] || grep -q "(${file#docs/})" docs/index.md || wrong="$wrong $file"
            ;;
        *) echo "write ordered, linked or indexed" >&2; exit 2 ;;
    esac
done
[ -z "$wrong" ] || { echo "not $1:$wrong" >&2; exit 1; }
