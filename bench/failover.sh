#!/usr/bin/env bash
# Leader killed with -9 -> the next write, begun after the kill, acknowledged through another node. Three processes each on loopback, default settings, fresh clusters,
# Debian's etcd and Holdfast in turn. Prints each round, then medians and maxima. Bar: median <= 500 ms, maximum <= 1000 ms.
# usage: bench/failover.sh [ROUNDS]      (default 10)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
rounds=${1:-10}
command -v etcd >/dev/null || { echo "needs Debian's etcd-server (apt-get install etcd-server)"; exit 1; }
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary -nodeReuse:false
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench program=artifacts/bin/Holdfast.Server/release/holdfast
data=$(mktemp -d) pids=() base=${HOLDFAST_BENCH_PORT:-24600}
# Disowned, or the shell would report every kill.
began() { pids+=($!); disown; }
stop() {
    for p in "${pids[@]}"; do kill -9 "$p" 2>/dev/null && tail --pid="$p" -f /dev/null; done
    pids=()
    rm -rf "${data:?}"/e? "$data"/n?
}
trap 'stop; rm -rf "$data"' EXIT

client() { echo 127.0.0.1:$((base + $1)); }
peer() { echo 127.0.0.1:$((base + 10 + $1)); }
start_etcd() {
    for i in 1 2 3; do
        etcd --name e$i --data-dir "$data/e$i" --listen-client-urls "http://$(client $i)" --advertise-client-urls "http://$(client $i)" \
            --listen-peer-urls "http://$(peer $i)" --initial-advertise-peer-urls "http://$(peer $i)" \
            --initial-cluster "e1=http://$(peer 1),e2=http://$(peer 2),e3=http://$(peer 3)" --initial-cluster-state new --log-level error >"$data/e$i.log" 2>&1 &
        began
    done
}
start_holdfast() {
    for i in 1 2 3; do
        $program server --name n$i --data "$data/n$i" --peer "$(peer $i)" --cluster "n1=$(peer 1),n2=$(peer 2),n3=$(peer 3)" --etcd "$(client $i)" >"$data/n$i.log" 2>&1 &
        began
    done
}
await() {
    for i in 1 2 3; do
        for _ in $(seq 150); do ETCDCTL_API=3 etcdctl --endpoints "$(client $i)" --command-timeout 1s put ready yes >/dev/null 2>&1 && continue 2; sleep 0.2; done
        echo "no cluster at $(client $i)"; tail -n 5 "$data"/*.log; exit 1
    done
}
for round in $(seq "$rounds"); do
    for server in etcd holdfast; do
        "start_$server"; await
        line=$($bench failover --endpoints "$(client 1),$(client 2),$(client 3)" --pids "${pids[0]},${pids[1]},${pids[2]}" || true)
        echo "round $round $server $line load=$(cut -d' ' -f1 /proc/loadavg)" | tee -a "$data/rows"
        stop
    done
done
for server in etcd holdfast; do
    awk -v s=$server '$3 == s && $6 == "ms" { print $5 }' "$data/rows" | sort -n | awk -v s=$server -v n="$rounds" \
        '{ v[NR] = $1 } END { if (NR == 0) { print s ": no measurement"; exit } printf "%s: median %d ms, max %d ms, %d of %d rounds measured\n", s, v[int((NR + 1) / 2)], v[NR], NR, n }'
done
