# What cron calls every five minutes: check, do what is due, and tell the team's chat what has changed since.
#   */5 * * * * cd FOLDER && . /etc/opsctl.env && sh bin/cron.sh
# /etc/opsctl.env exports the secrets, and only cron's user may read it. Where the chat cannot be told, it is said here,
# so that cron sends it by mail, and the chat is told the next time.
set -u
told=.opsctl/told
code=0

tell() {
    printf '%s\n' "$1" | sh bin/send.sh "<<ops_chat>>" >/dev/null && return
    printf '%s\n' "$1" >&2
    code=1
    return 1
}

said=$(opsctl check --quiet 2>&1) || code=$?
case $code in
    0 | 1 | 3) bad=$(printf '%s\n' "$said" | grep -E '^(down|unknown)[[:blank:]]' | cut -f 1,2 | sort) ;;
    # opsctl itself could not check.
    *) bad=$said ;;
esac
# Only what is another than the last time: the same words every five minutes are soon read by nobody.
if [ "$bad" != "$(cat "$told" 2>/dev/null)" ]; then
    [ -n "$bad" ] || said="All is well again."
    tell "$said" && printf '%s\n' "$bad" >"$told"
fi

due=$(opsctl routine run --due --quiet 2>&1) || code=$?
[ -z "$due" ] || tell "$due"
exit "$code"
