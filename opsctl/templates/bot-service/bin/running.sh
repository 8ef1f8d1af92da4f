# Exit 0 where the container runs the image of a version: sh bin/running.sh VERSION
set -eu
image=$(docker inspect --format '{{.Config.Image}}' "<<container>>")
[ "${image##*:}" = "$1" ] || { echo "$image runs, not version $1" >&2; exit 1; }
