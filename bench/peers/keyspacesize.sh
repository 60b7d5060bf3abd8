#!/usr/bin/env bash
# Debian's redis-server and Holdfast in turn, one node each: what keys cost in memory, and how long writes pause beside a large state that is snapshotted.
# usage: bench/peers/keyspacesize.sh [WHAT] [KEYS]      (defaults all and 1000000)
# WHAT: slope (resident memory at three times KEYS less that at KEYS, by key: 16 bytes to 64, and a tenth as many hashes of 20 fields); pauses (KEYS values of 1 KB; p99.99 of SETs while snapshots are taken; beside it what the
# machine does to the same client by itself: a loop that only says OK, alone and beside snapshots of that size that are written one after another); all
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
what=${1:-all} keys=${2:-1000000}
case $what in slope | pauses | all) ;; *) sed -n '3,5s/^# //p' "$0"; exit 2 ;; esac
command -v redis-cli >/dev/null && command -v redis-server >/dev/null || { echo "needs Debian's redis-server and redis-tools"; exit 1; }
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
. bench/peers/clusters.sh
. bench/peers/keyspaces.sh
echo "$(nproc) cores, load before: $(cut -d' ' -f1-3 /proc/loadavg)"

# Commands of a kind for the numbers from one to another, as lines.
commands() {
    awk -v kind="$1" -v from="$2" -v to="$3" 'BEGIN {
        value = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        for (i = 0; i < 4; i++) large = large value value value value
        for (f = 0; f < 20; f++) fields = fields sprintf(" field%02d value-%08d", f, f * 7919)
        for (i = from; i < to; i++) {
            if (kind == "strings") printf "SET key:%012d %s\r\n", i, value
            else if (kind == "hashes") printf "HSET hsh:%012d%s\r\n", i, fields
            else printf "SET key:%012d %s\r\n", i, large
        }
    }'
}
fill() { commands "$@" | redis-cli -p $redis_port --pipe | grep -q 'errors: 0' || { echo "not every command was executed"; exit 1; }; }
# Resident memory once it no longer falls: the least of some readings, in KB.
resident() { for _ in $(seq 20); do awk '/VmRSS/ { print $2 }' "/proc/${pids[0]}/status"; sleep 0.25; done | sort -n | head -1; }
used() { redis-cli -p $redis_port info memory | tr -d '\r' | awk -F: '$1 == "used_memory" { print $2 }'; }
slope() {
    local who=$1 kind=$2 count=$3 small large used_small used_large
    start_one_$who
    fill "$kind" 0 "$count"; small=$(resident) used_small=$(used)
    fill "$kind" "$count" $((count * 3)); large=$(resident) used_large=$(used)
    [ "$(redis-cli -p $redis_port dbsize)" -ge $((count * 3)) ] || { echo "keys are missing"; exit 1; }
    stop
    awk -v who="$who" -v kind="$kind" -v n="$count" -v small="$small" -v large="$large" -v used="$((used_large - used_small))" \
        'BEGIN { printf "%s %s: %d MB at %d, %d MB at %d (used_memory %.1f bytes each): %.1f bytes each\n", who, kind, small / 1024, n, large / 1024, n * 3, used / (2 * n), (large - small) * 1024 / (2 * n) }' | tee -a "$data/slopes"
}
snapshots() { { ls -d "$data"/h/snapshots/*/* 2>/dev/null || true; } | sort; }
load_beside() { echo "$1 $("$bench" redis-load 1 - --endpoints 127.0.0.1:$redis_port --case beside-a-snapshot --clients 50 --seconds 20 --size 1024 --servers "$(servers)")"; }
echoes() {
    local who=$1 bytes=$2
    mkdir -p "$data/e"
    "$bench" redis-echo $redis_port "$data/e" "$bytes" & pids=($!)
    awaits $redis_port
    load_beside "$who"
    stop
    rm -rf "$data/e"
}
pauses() {
    local who=$1 before after
    start_one_$who
    fill large 0 "$keys"
    before=$(snapshots)
    if [ "$who" = redis ]; then { sleep 2; redis-cli -p $redis_port bgsave; sleep 10; redis-cli -p $redis_port bgsave; } >/dev/null & fi
    load_beside "$who"
    after=$(snapshots)
    [ "$who" = redis ] || { [ "$before" != "$after" ] && echo "  a snapshot was taken meanwhile" || echo "  INVALID: no snapshot was taken meanwhile"; }
    stop
}
if [ "$what" != pauses ]; then
    for kind in strings hashes; do
        for who in redis holdfast; do slope $who $kind $([ $kind = strings ] && echo "$keys" || echo $((keys / 10))); done
    done
    awk '{ each[$1, $2] = $(NF - 2); kinds[$2] } END { for (kind in kinds) printf "%s holdfast/redis %.2f (bar 1.2)\n", kind, each["holdfast", kind] / each["redis", kind] }' "$data/slopes"
fi
if [ "$what" != slope ]; then
    echoes "only-OK" 0
    echoes "only-OK-beside-snapshots" $((keys * 1060))
    for who in redis holdfast; do pauses $who; done
fi
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)"
