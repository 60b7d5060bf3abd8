#!/usr/bin/env bash
# Debian's redis-server and Holdfast in turn, the same clients. Prints every round, then medians and ratios.
# usage: bench/peers/redis.sh [ROUNDS] [WHAT]      (defaults 3 and all)
# WHAT: one (one node: SET and GET, 50 clients, unpipelined and 16 at a time); tests (redis-benchmark's own set, and SET and GET under TLS); quorum (three nodes, fsync on, WAIT 1 behind each batch of Redis's); failover (kill -9 of a leader); all
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
rounds=${1:-3} what=${2:-all} requests=${HOLDFAST_BENCH_REQUESTS:-300000}
case $what in one | tests | quorum | failover | all) ;; *) sed -n '3,4s/^# //p' "$0"; exit 2 ;; esac
command -v redis-benchmark >/dev/null && command -v redis-server >/dev/null || { echo "needs Debian's redis-server and redis-tools"; exit 1; }
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
. bench/peers/clusters.sh
. bench/peers/keyspaces.sh
wanted() { [ "$what" = "$1" ] || [ "$what" = all ]; }
both() { # The function for each contender in turn, all rounds, then the table.
    local round who
    rm -f "$data/rows"
    for round in $(seq "$rounds"); do
        echo "round $round"
        for who in redis holdfast; do "$1" $who; stop; done
    done
    medians redis holdfast
}
one() {
    "start_one_$1"
    measured "$1" warm: "$requests" -r 100000 -t set,get >/dev/null; sed -i '/ warm:/d' "$data/rows"
    local test
    for test in set get; do measured "$1" "" "$requests" -r 100000 -t $test; done
    for test in set get; do measured "$1" p16: $((requests * 4)) -r 100000 -P 16 -t $test; done
}
# Every test of redis-benchmark's default set, one at a time, after a pass over all of them that is not measured; then SET and GET under TLS. Fewer requests where each fetches hundreds of elements,
# and none may take longer than half a minute, so that a round takes two minutes.
tests() {
    "start_one_$1"
    local test
    for test in ping_inline,ping_mbulk,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,mset lrange_100,lrange_300,lrange_500,lrange_600; do bounded "$1" warm: $((requests / 15)) -t $test >/dev/null; done
    for test in ping_inline ping_mbulk set get incr lpush rpush lpop rpop sadd hset spop zadd zpopmin mset; do bounded "$1" "" $((requests / 3)) -t $test; done
    for test in 100 300 500 600; do bounded "$1" lists: $((requests / 30)) -t lrange_$test; done
    bounded "$1" warm: $((requests / 15)) "${tls[@]}" -t set,get >/dev/null
    for test in set get; do bounded "$1" tls: $((requests / 3)) "${tls[@]}" -t $test; done
    sed -i -e '/ lists:lpush /d' -e '/ warm:/d' "$data/rows"
}
bounded() { measured_within 30 "$@" || echo "$1 ${*: -1}: not done within 30 s"; }
quorum() {
    "start_three_$1"
    local wait=- batch
    [ "$1" = holdfast ] || wait=wait
    "$bench" redis-load 1 $wait --endpoints "$endpoints" --clients 50 --seconds 2 >/dev/null
    for batch in 1 16; do
        echo "$1 $("$bench" redis-load $batch $wait --endpoints "$endpoints" --case quorum-set-batch-$batch --clients 50 --seconds 5 --size 64 --servers "$(servers)")" | tee -a "$data/rows"
    done
}
# Three masters and a replica of each, as Redis needs; its node timeout is two seconds instead of its default of fifteen. A replica takes over only what it has once had whole, so all must have caught up.
start_failover_redis() {
    local i
    pids=() endpoints=
    for i in 0 1 2 3 4 5; do
        rm -rf "$data/c$i"; mkdir -p "$data/c$i"
        redis-server --port $((redis_port + i)) --bind 127.0.0.1 --dir "$data/c$i" --save "" --appendonly yes --repl-diskless-sync-delay 0 --cluster-enabled yes --cluster-node-timeout 2000 >"$data/c$i.log" 2>&1 &
        pids+=($!); endpoints+="${endpoints:+,}127.0.0.1:$((redis_port + i))"
    done
    for i in 0 1 2 3 4 5; do until redis-cli -p $((redis_port + i)) ping >/dev/null 2>&1; do sleep 0.1; done; done
    redis-cli --cluster create ${endpoints//,/ } --cluster-replicas 1 --cluster-yes >"$data/create.log" 2>&1 || { cat "$data/create.log"; exit 1; }
    for i in 0 1 2 3 4 5; do has_caught_up $((redis_port + i)); done
    sleep 3
}
# A node that sees the whole cluster, and is a master or has all that its master has.
has_caught_up() {
    for _ in $(seq 300); do
        redis-cli -p "$1" cluster info | grep -q 'cluster_state:ok' && redis-cli -p "$1" info replication | grep -qE '^(role:master|master_link_status:up)' && return
        sleep 0.1
    done
    echo "the node at $1 has not caught up"; redis-cli -p "$1" cluster nodes; redis-cli -p "$1" info replication; exit 1
}
start_failover_holdfast() { start_three_holdfast; sleep 3; }
if wanted one; then both one; fi
if wanted tests; then certify; both tests; fi
if wanted quorum; then both quorum; fi
if wanted failover; then
    for round in $(seq "$((rounds * 3 + 1))"); do
        for who in redis holdfast; do
            "start_failover_$who"
            echo "$who $("$bench" redis-failover "$endpoints" "${pids[0]}")" | tee -a "$data/failovers"
            stop
        done
    done
    for who in redis holdfast; do awk -v who=$who '$1 == who { print $3 }' "$data/failovers" | sort -n | awk -v who=$who '{ a[NR] = $1 } END { print who ": median", a[int((NR + 1) / 2)], "ms, longest", a[NR], "ms, rounds", NR }'; done
fi
