# Restore a backup into a database, look at it, or drop it; the password is in PGPASSWORD:
# sh bin/restore.sh FILE DATABASE | --compare DATABASE | --drop DATABASE | --gone DATABASE
set -eu
there() { psql -XAtqd postgres -c "select 1 from pg_database where datname = '$1'" | grep -q 1; }
export PGHOST="<<database_host>>" PGPORT="<<database_port>>" PGUSER="<<database_user>>"
case $1 in
    --compare)
        # Exact counts: estimates are not there right after a restore.
        tables=$(psql -XAtqd "$2" -c "select quote_ident(schemaname) || '.' || quote_ident(relname) from pg_stat_user_tables order by 1")
        [ -n "$tables" ] || { echo "$2 holds no table" >&2; exit 1; }
        for table in $tables; do
            echo "$table: $(psql -XAtqd "$2" -c "select count(*) from $table")"
        done
        ;;
    --drop)
        [ "$2" != "<<database_name>>" ] || { echo "the bot's own database is never dropped" >&2; exit 1; }
        dropdb --if-exists "$2"
        ;;
    --gone) ! there "$2" ;;
    *)
        there "$2" || createdb "$2"
        pg_restore --clean --if-exists --no-owner --exit-on-error --single-transaction --dbname="$2" "$1"
        ;;
esac
