# Run so many workers from now on: sh bin/workers.sh NUMBER; compose.yaml takes the number from .env.
set -eu
cd "<<compose_folder>>"
grep -q '^WORKERS=' .env || { echo "WORKERS is missing in .env" >&2; exit 1; }
sed -i "s/^WORKERS=.*/WORKERS=$1/" .env
docker compose up --detach --wait
