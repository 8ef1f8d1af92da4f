# Print the announcement of a release, by its plan: sh bin/announce.sh before|during|after VERSION
set -eu
plan=releases/next.md
say() {
    sh bin/section.sh "$plan" "$1"
    printf '\n%s\n' "$1"
    awk -v heading="## $1" '
        /^<!--/ { comment = 1 }
        $0 == heading { inside = 1; next }
        /^## / { inside = 0 }
        inside && !comment && NF
        /-->/ { comment = 0 }' "$plan"
}
case $1 in
    before) echo "Version $2 is coming."; parts="Announcement Features Breaking_changes Window" ;;
    during) echo "Version $2 is being deployed."; parts="Window Support" ;;
    after) echo "Version $2 is out."; parts="Features Known_issues Feedback Help" ;;
    *) echo "write before, during or after" >&2; exit 2 ;;
esac
for part in $parts; do
    say "$(printf '%s' "$part" | tr _ ' ')"
done
