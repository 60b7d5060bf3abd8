# A million keys of 256 bytes; sourced by etcd.sh, after clusters.sh. Each row says etcd or holdfast.
keys=${HOLDFAST_BENCH_KEYS:-1000000}

# Memory of all nodes in MiB: resident, its anonymous part, and the page cache of their data (fincore): what etcd maps of its database is in both the first and the last.
memory() {
    local p rss=0 anonymous=0 cache=0 folders
    for p in "${pids[@]}"; do
        rss=$((rss + $(awk '/^VmRSS/ { print $2 }' "/proc/$p/status")))
        anonymous=$((anonymous + $(awk '/^RssAnon/ { print $2 }' "/proc/$p/status")))
    done
    [ "$1" = etcd ] && folders=$data/e || folders=$data/n
    cache=$(find "$folders"? -type f -print0 | xargs -0 fincore --bytes --noheadings --output RES 2>/dev/null | awk '{ sum += $1 } END { print int(sum / 1048576) }')
    echo "$1 memory keys=$keys when=$2 rss=$((rss / 1024))MiB anonymous=$((anonymous / 1024))MiB page-cache=${cache}MiB anonymous+cache=$((anonymous / 1024 + cache))MiB (three nodes)" | tee -a "$data/million"
}
now() { date +%s%3N; }

# Whether the node of that number leads.
leads() { [ "$(etcdctl3 --endpoints "$(cut -d, -f"$1" <<<"$endpoints")" endpoint status | awk -F', ' '{ print $5 }')" = true ]; }

# kill -9 of a node that does not lead, and its start over what it has: until it answers a linearizable read by itself.
restart() {
    local who=$1 i=2 began port
    if leads $i; then i=3; fi
    [ "$who" = etcd ] && port=$((ports + 200 + i)) || port=$((ports + 400 + i))
    kill -9 "${pids[i - 1]}"; wait "${pids[i - 1]}" 2>/dev/null || true
    began=$(now)
    "node_$who" $i
    until [ "$(curl -s -o /dev/null -w '%{http_code}' -d '{"key":"cmVhZHk="}' "http://127.0.0.1:$port/v3/kv/range")" = 200 ]; do
        sleep 0.05
        [ $(($(now) - began)) -lt 120000 ] || { echo "$who does not come back"; tail -n 5 "$data"/*.log; exit 1; }
    done
    echo "$who restart keys=$keys ready-after=$(($(now) - began))ms" | tee -a "$data/million"
}

# Eight writers, first alone, then while a client takes snapshot after snapshot from the leader and the nodes take their own; "max" is the longest that any write took.
pauses() {
    local who=$1 seconds=$2 taken=0 saving leader=${endpoints%%,*} i
    echo "$who pause when=alone $("$bench" load --endpoints "$endpoints" --case put --clients 8 --seconds "$seconds" --servers "$(servers)")" | tee -a "$data/million"
    for i in 1 2 3; do if leads $i; then leader=$(cut -d, -f$i <<<"$endpoints"); fi; done
    (while :; do etcdctl3 --endpoints "$leader" snapshot save "$data/taken.db" >/dev/null 2>&1 && echo >>"$data/taken"; done) &
    saving=$!
    # Long enough for a whole snapshot of a million keys.
    [ "${seconds%.*}" -ge 15 ] || seconds=15
    echo "$who pause when=snapshots $("$bench" load --endpoints "$endpoints" --case put --clients 8 --seconds "$seconds" --servers "$(servers)")" | tee -a "$data/million"
    kill $saving 2>/dev/null; wait $saving 2>/dev/null || true
    [ -e "$data/taken" ] && taken=$(wc -l <"$data/taken") || true
    rm -f "$data"/taken*
    echo "$who snapshots taken=$taken of the leader in $((seconds + 1)) s" | tee -a "$data/million"
}

million() {
    "start_$1"
    echo "$1 $("$bench" fill --endpoints "$endpoints" --keys "$keys" --clients 192)" | tee -a "$data/million"
    sleep 5
    memory "$1" filled
    pauses "$1" "$2"
    restart "$1"
    sleep 5
    memory "$1" restarted
    stop
}

# Both contenders' numbers beside each other, with the bars.
million_summary() {
    awk '
        function field(name,   found) { if (!match($0, name "=[0-9.]+")) return 0; found = substr($0, RSTART, RLENGTH); sub(/.*=/, "", found); return found + 0 }
        / memory / { kind = / when=filled/ ? "filled" : "restarted"; rss[$1, kind] = field("rss"); all[$1, kind] = field("anonymous[+]cache") }
        / restart / { ready[$1] = field("ready-after") }
        / pause / { kind = / when=alone/ ? "alone" : "snapshots"; longest[$1, kind] = field("max"); if (/INVALID/) bad = " INVALID (see its row)" }
        END {
            printf "memory: holdfast RSS %d MiB / etcd RSS and cache %d MiB = %.2f (bar 1.0)\n", rss["holdfast", "filled"], all["etcd", "filled"], all["etcd", "filled"] ? rss["holdfast", "filled"] / all["etcd", "filled"] : 0
            printf "restart to ready: holdfast %.1f s (bar 5), etcd %.1f s\n", ready["holdfast"] / 1000, ready["etcd"] / 1000
            printf "longest write while snapshots are taken: holdfast %.1f ms (bar 20; alone %.1f), etcd %.1f ms (alone %.1f)%s\n", longest["holdfast", "snapshots"], longest["holdfast", "alone"], longest["etcd", "snapshots"], longest["etcd", "alone"], bad
        }' "$data/million"
}
