# Exit 0 where a section of a document says something: sh bin/section.sh FILE HEADING ...
# Comments and empty lines say nothing; `None.` does.
set -eu
file=$1
shift
awk -v heading="## $*" '
    /^<!--/ { comment = 1 }
    $0 == heading { inside = 1; next }
    /^## / { inside = 0 }
    inside && !comment && NF { said = 1 }
    /-->/ { comment = 0 }
    END { exit !said }' "$file" || {
    echo "$file says nothing under $*" >&2
    exit 1
}
