# Bring a version of the bot up with Docker Compose: sh bin/deploy.sh VERSION [keep-data]
# BOT_VERSION in .env says which version runs, so that every later start is of the same one. The Compose service
# `migrate` brings the database to what the version needs; `keep-data` leaves it as it is, for the way back.
set -eu
cd "<<compose_folder>>"
grep -q '^BOT_VERSION=' .env || { echo "BOT_VERSION is missing in .env" >&2; exit 1; }
sed -i "s/^BOT_VERSION=.*/BOT_VERSION=$1/" .env
docker compose pull --quiet
[ "${2:-}" = keep-data ] || docker compose run --rm migrate
docker compose up --detach --wait --remove-orphans
