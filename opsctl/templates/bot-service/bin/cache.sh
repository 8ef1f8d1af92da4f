# Say what Redis tells of itself, as JSON: sh bin/cache.sh HOST PORT
# hit_percent: of all lookups since its start; memory_percent: of `maxmemory`; null where there is no such figure.
set -eu
redis-cli -h "$1" -p "$2" info | tr -d '\r' | awk -F: '
    { value[$1] = $2 }
    END {
        if (!("used_memory" in value)) exit 1
        lookups = value["keyspace_hits"] + value["keyspace_misses"]
        hits = lookups ? sprintf("%.1f", 100 * value["keyspace_hits"] / lookups) : "null"
        memory = value["maxmemory"] > 0 ? sprintf("%.1f", 100 * value["used_memory"] / value["maxmemory"]) : "null"
        printf "{\"hit_percent\": %s, \"memory_percent\": %s}\n", hits, memory
    }'
