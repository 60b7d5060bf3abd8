#!/usr/bin/env bash
# How often leadership changes, with default settings, while a process per core does nothing but burn and every node's fsync stalls for 500 ms at random (bench/stall.c).
# Clients write all the while. Prints terms and leaders before and after, the stalls, the writes and the longest time without an acknowledged one. Bar: 0 changes in 10 minutes.
# usage: bench/stability.sh [MINUTES]      (default 10)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
minutes=${1:-10}
command -v gcc >/dev/null || { echo "needs gcc, for the library that stalls fsync (apt-get install gcc libc6-dev)"; exit 1; }
command -v etcdctl >/dev/null || { echo "needs etcdctl (apt-get install etcd-client)"; exit 1; }
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary -nodeReuse:false
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
data=$(mktemp -d) pids=() burners=() base=${HOLDFAST_BENCH_PORT:-24600}
trap 'kill -9 "${pids[@]}" "${burners[@]}" 2>/dev/null || true; sleep 0.5; rm -rf "$data"' EXIT
gcc -O2 -shared -fPIC -o "$data/stall.so" bench/stall.c -ldl -lpthread

client() { echo 127.0.0.1:$((base + $1)); }
peer() { echo 127.0.0.1:$((base + 10 + $1)); }
endpoints=$(client 1),$(client 2),$(client 3)
# The program itself, not ./holdfast: the shell's own children need no stalls.
for i in 1 2 3; do
    LD_PRELOAD=$data/stall.so STALL_MS=500 STALL_EVERY_MS=5000 STALL_LOG=$data/stalls$i \
        artifacts/bin/Holdfast.Server/release/holdfast server --name n$i --data "$data/n$i" --peer "$(peer $i)" \
        --cluster "n1=$(peer 1),n2=$(peer 2),n3=$(peer 3)" --etcd "$(client $i)" >"$data/n$i.log" 2>&1 &
    pids+=($!)
    disown
done
for i in 1 2 3; do
    for try in $(seq 150); do ETCDCTL_API=3 etcdctl --endpoints "$(client $i)" --command-timeout 2s put ready yes >/dev/null 2>&1 && break; sleep 0.2; done
    [ "$try" != 150 ] || { echo "no cluster at $(client $i)"; tail -n 5 "$data"/*.log; exit 1; }
done
# endpoint, member, leader, term of every node
status() {
    ETCDCTL_API=3 etcdctl --endpoints "$endpoints" --command-timeout 10s endpoint status -w json |
        grep -o '"Endpoint":"[^"]*"\|"member_id":[0-9]*\|"leader":[0-9]*\|"raftTerm":[0-9]*' | paste -d' ' - - - - | tr -d '"'
}
stalls() { cat "$data"/stalls? 2>/dev/null | wc -c; }
sleep 2
status >"$data/before"
stalled=$(stalls)
for _ in $(seq "$(nproc)"); do (while :; do :; done) & burners+=($!); disown; done # Disowned, or the shell would report their end.
writes=$($bench gap --endpoints "$endpoints" --seconds $((minutes * 60)))
kill -9 "${burners[@]}"; burners=()
status >"$data/after"
echo "before"; sed 's/^/  /' "$data/before"
echo "after";  sed 's/^/  /' "$data/after"
term() { grep -o 'raftTerm:[0-9]*' "$1" | cut -d: -f2 | sort -n | tail -1; }
echo "$writes"
echo "$minutes minutes beside $(nproc) burning processes, $(($(stalls) - stalled)) stalls of 500 ms: the term rose by $(($(term "$data/after") - $(term "$data/before"))) (0: one leader all the while)"
said=$(grep -h 'role_changed\|"elected"\|leader_lost\|leads term\|does not lead' "$data"/n?.log | tail -n +10 | head -40 || true)
[ -z "$said" ] || { echo "what the nodes said of it (after their start):"; echo "$said"; }
