#!/usr/bin/env bash
# Debian's etcd and Holdfast, three processes each on loopback, fsync on, in turn, with the same client. Prints every round and the medians' ratios.
# usage: bench/peers/etcd.sh [ROUNDS] [SECONDS]      (defaults 3 and 4)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
rounds=${1:-3} seconds=${2:-4}
command -v etcd >/dev/null || { echo "needs Debian's etcd-server (apt-get install etcd-server)"; exit 1; }
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
data=$(mktemp -d) pids=()
stop() { [ ${#pids[@]} = 0 ] || { kill "${pids[@]}" 2>/dev/null || true; wait "${pids[@]}" 2>/dev/null || true; }; pids=(); }
trap 'stop; rm -rf "$data"' EXIT

start_etcd() {
    local members=e1=http://127.0.0.1:24101,e2=http://127.0.0.1:24102,e3=http://127.0.0.1:24103
    for i in 1 2 3; do
        etcd --name e$i --data-dir "$data/e$i" --listen-client-urls http://127.0.0.1:2420$i --advertise-client-urls http://127.0.0.1:2420$i \
            --listen-peer-urls http://127.0.0.1:2410$i --initial-advertise-peer-urls http://127.0.0.1:2410$i --initial-cluster $members \
            --initial-cluster-state new --log-level error >"$data/e$i.log" 2>&1 &
        pids+=($!)
    done
}
start_holdfast() {
    local members=n1=127.0.0.1:24301,n2=127.0.0.1:24302,n3=127.0.0.1:24303
    for i in 1 2 3; do
        ./holdfast server --name n$i --data "$data/n$i" --peer 127.0.0.1:2430$i --cluster $members --etcd 127.0.0.1:2440$i >"$data/n$i.log" 2>&1 &
        pids+=($!)
    done
}
# CPU seconds that the servers of this run have used so far.
cpu() { local ticks=0 t; for p in "${pids[@]}"; do t=$(awk '{print $14+$15}' "/proc/$p/stat"); ticks=$((ticks + t)); done; echo $ticks; }
measure() { # name endpoints
    for case in put range serializable; do
        for clients in 1 64 256; do
            local before after line ops
            before=$(cpu)
            line=$($bench load --endpoints "$2" --case $case --clients $clients --seconds "$seconds")
            after=$(cpu)
            ops=$(sed -n 's/.*ops\/s=\([0-9]*\).*/\1/p' <<<"$line")
            # The warm-up second counts as server CPU too, hence seconds + 1.
            echo "$1 $line server-cpu-us/op=$(( (after - before) * 10000 / (ops * (seconds + 1) + 1) )) load=$(cut -d' ' -f1 /proc/loadavg)" | tee -a "$data/rows"
        done
    done
}
await() { for _ in $(seq 100); do ETCDCTL_API=3 etcdctl --endpoints "$1" --command-timeout 1s put ready yes >/dev/null 2>&1 && return; sleep 0.2; done; echo "no cluster at $1"; tail -5 "$data"/*.log; exit 1; }
for round in $(seq "$rounds"); do
    echo "round $round"
    rm -rf "$data"/e? "$data"/n?
    start_etcd; await 127.0.0.1:24201; measure etcd 127.0.0.1:24201,127.0.0.1:24202,127.0.0.1:24203; stop
    start_holdfast; await 127.0.0.1:24401; measure holdfast 127.0.0.1:24401,127.0.0.1:24402,127.0.0.1:24403; stop
done
echo "medians"
awk '{ match($0, /ops\/s=[0-9]+/); v = substr($0, RSTART + 6, RLENGTH - 6); key = $2 " " $3; list[$1, key] = list[$1, key] " " v; keys[key] = 1 }
     function median(text,   a, n, i, j, t) { n = split(text, a, " "); for (i = 2; i <= n; i++) { t = a[i] + 0; for (j = i - 1; j > 0 && a[j] + 0 > t; j--) a[j + 1] = a[j]; a[j + 1] = t } return a[int((n + 1) / 2)] }
     END { for (key in keys) { e = median(list["etcd", key]); h = median(list["holdfast", key]); printf "%-28s etcd %7d  holdfast %7d  ratio %.2f\n", key, e, h, h / e } }' "$data/rows" | sort
