# What the benchmark scripts share; sourced, not run. Clusters of three processes on loopback, one at a time, with data in a folder that goes with the script.
# The ports are a block of 1000 from HOLDFAST_BENCH_PORTS (default 24000).
ports=${HOLDFAST_BENCH_PORTS:-24000}
data=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-bench-XXXXXX") pids=()
# With "secure" both kinds speak TLS to clients and mutual TLS between nodes, with the same certificates.
scheme=http ca=()
secure() {
    ./holdfast cert ca --out "$data/ca" >/dev/null
    for i in 1 2 3; do ./holdfast cert node n$i --ca "$data/ca" --out "$data/tls$i" --host 127.0.0.1 >/dev/null; done
    scheme=https ca=(--ca "$data/ca/ca.pem")
}
in_clear() { scheme=http ca=(); }
etcdctl3() { if [ $scheme = https ]; then ETCDCTL_API=3 etcdctl --cacert "$data/ca/ca.pem" "$@"; else ETCDCTL_API=3 etcdctl "$@"; fi; }
stop() { [ ${#pids[@]} = 0 ] || { kill "${pids[@]}" 2>/dev/null || true; wait "${pids[@]}" 2>/dev/null || true; }; pids=(); }
trap 'stop; rm -rf "$data"' EXIT

# A disk, a JIT and a Go runtime that have just started say little: both kinds of servers get the same unmeasured load first.
warm() { "$bench" load --endpoints "$1" "${ca[@]}" --case put --clients 64 --seconds 2 >/dev/null; "$bench" load --endpoints "$1" "${ca[@]}" --case range --clients 64 --seconds 1 >/dev/null; }
await() {
    for _ in $(seq 150); do etcdctl3 --endpoints "$scheme://$1" --command-timeout 1s put ready yes >/dev/null 2>&1 && return; sleep 0.2; done
    echo "no cluster at $1"; tail -n 5 "$data"/*.log; exit 1
}
# One node of each kind, in the cluster of three; also to start it again over its data.
node_etcd() {
    local i=$1 peers=$((ports + 100)) clients=$((ports + 200)) members="" m tls=()
    for m in 1 2 3; do members+="${members:+,}e$m=$scheme://127.0.0.1:$((peers + m))"; done
    [ $scheme = http ] || tls=(--cert-file "$data/tls$i/node.pem" --key-file "$data/tls$i/node.key" --peer-cert-file "$data/tls$i/node.pem" --peer-key-file "$data/tls$i/node.key"
        --peer-trusted-ca-file "$data/tls$i/ca.pem" --peer-client-cert-auth)
    etcd --name e$i --data-dir "$data/e$i" --listen-client-urls $scheme://127.0.0.1:$((clients + i)) --advertise-client-urls $scheme://127.0.0.1:$((clients + i)) \
        --listen-peer-urls $scheme://127.0.0.1:$((peers + i)) --initial-advertise-peer-urls $scheme://127.0.0.1:$((peers + i)) --initial-cluster "$members" \
        --initial-cluster-state new --log-level error "${tls[@]}" >>"$data/e$i.log" 2>&1 &
    pids[i - 1]=$!
}
node_holdfast() {
    local i=$1 peers=$((ports + 300)) clients=$((ports + 400)) members="" m tls=()
    for m in 1 2 3; do members+="${members:+,}n$m=127.0.0.1:$((peers + m))"; done
    [ $scheme = http ] || tls=(--etcd-cert "$data/tls$i/node.pem" --etcd-key "$data/tls$i/node.key" --tls "$data/tls$i")
    ./holdfast server --name n$i --data "$data/n$i" --peer 127.0.0.1:$((peers + i)) --cluster "$members" --etcd 127.0.0.1:$((clients + i)) "${tls[@]}" >>"$data/n$i.log" 2>&1 &
    pids[i - 1]=$!
}
start_etcd() {
    rm -rf "$data"/e?
    local clients=$((ports + 200)) i
    for i in 1 2 3; do node_etcd $i; done
    endpoints=127.0.0.1:$((clients + 1)),127.0.0.1:$((clients + 2)),127.0.0.1:$((clients + 3))
    await 127.0.0.1:$((clients + 1)); warm "$endpoints"
}
start_holdfast() {
    rm -rf "$data"/n?
    local clients=$((ports + 400)) i
    for i in 1 2 3; do node_holdfast $i; done
    endpoints=127.0.0.1:$((clients + 1)),127.0.0.1:$((clients + 2)),127.0.0.1:$((clients + 3))
    await 127.0.0.1:$((clients + 1)); warm "$endpoints"
}
# The process ids, as the client wants them.
servers() { local IFS=,; echo "${pids[*]}"; }
# One row: who, case, clients, seconds. Kept for the medians, and printed.
row() { echo "$1 $("$bench" load --endpoints "$endpoints" "${ca[@]}" --case "$2" --clients "$3" --seconds "$4" --servers "$(servers)")" | tee -a "$data/rows"; }
# Medians over the rounds of every (case, clients), the first contender against the second; rows marked INVALID are left out while there are others.
medians() {
    awk -v first="$1" -v second="$2" '
        function field(name,   at) { at = match($0, name "=[0-9.]+"); return at ? substr($0, RSTART + length(name) + 1, RLENGTH - length(name) - 1) : "" }
        function median(text,   a, n, i, j, t) {
            n = split(text, a, " ")
            for (i = 2; i <= n; i++) { t = a[i] + 0; for (j = i - 1; j > 0 && a[j] + 0 > t; j--) a[j + 1] = a[j]; a[j + 1] = t }
            return n ? a[int((n + 1) / 2)] : 0
        }
        function of(who, what,   all) { all = list[who, key, what, 1]; return median(all == "" ? list[who, key, what, 0] : all) }
        function ratio(what) { return of(first, what) > 0 ? of(second, what) / of(first, what) : 0 }
        {
            key = $2 " " $3; valid = !/INVALID/; if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
            if (valid) ok[$1, key]++; else bad[key]++
            split("ops/s p50 p99 server-cpu-us/op", names, " ")
            for (i in names) list[$1, key, names[i], valid] = list[$1, key, names[i], valid] " " field(names[i])
        }
        END {
            printf "%-24s %10s %10s %6s   %21s %6s   %9s   %9s\n", "medians", first "/s", second "/s", "ratio", "server CPU us/op", "ratio", "p50 ratio", "p99 ratio"
            for (k = 1; k <= keys; k++) {
                key = order[k]
                printf "%-24s %10d %10d %6.2f   %10.1f %10.1f %6.2f   %9.2f   %9.2f%s\n", key, of(first, "ops/s"), of(second, "ops/s"), ratio("ops/s"),
                    of(first, "server-cpu-us/op"), of(second, "server-cpu-us/op"), ratio("server-cpu-us/op"), ratio("p50"), ratio("p99"),
                    (ok[first, key] && ok[second, key]) ? "" : "   INVALID (no quiet round of both)"
                if (key == "put clients=64") put = of(second, "ops/s")
                if (key == "txn clients=64") txn = of(second, "ops/s")
            }
            if (put > 0 && txn > 0) printf "txn / put of %s, 64 clients: %.2f\n", second, txn / put
        }' "$data/rows"
}
