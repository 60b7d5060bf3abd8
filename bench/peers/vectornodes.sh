# What vectors.sh starts; sourced, after clusters.sh. Servers of the vectors face on loopback: one node, or three.
# The program is the one that was built when the script began, whatever happens to the sources meanwhile.
vector_ports=$((ports + 800)) program=artifacts/bin/Holdfast.Server/release/holdfast
node_vectors() {
    local i=$1 members="" m
    for m in $(seq "$2"); do members+="${members:+,}n$m=127.0.0.1:$((vector_ports + m))"; done
    $program server --name n$i --data "$data/v$i" --peer 127.0.0.1:$((vector_ports + i)) --cluster "$members" --etcd 127.0.0.1:$((vector_ports + 20 + i)) \
        --vectors 127.0.0.1:$((vector_ports + 40 + i)) --vectors-grpc 127.0.0.1:$((vector_ports + 60 + i)) >>"$data/v$i.log" 2>&1 &
    pids[i - 1]=$!
}
# So many nodes; where they serve is in "doors", as the client wants it.
start_vectors() {
    local i rest="" grpc="" pages=""
    rm -rf "$data"/v?
    pids=()
    for i in $(seq "$1"); do
        node_vectors "$i" "$1"
        rest+="${rest:+,}127.0.0.1:$((vector_ports + 40 + i))"; grpc+="${grpc:+,}127.0.0.1:$((vector_ports + 60 + i))"; pages+="${pages:+,}127.0.0.1:$((vector_ports + 20 + i))"
    done
    doors=(--rest "$rest" --grpc "$grpc" --pages "$pages" --pids "$(servers)")
    for i in $(seq "$1"); do await_vectors "$i"; done
}
# A node serves when it answers what the directory must be asked.
await_vectors() {
    for _ in $(seq 300); do curl -sf -m 2 "http://127.0.0.1:$((vector_ports + 40 + $1))/collections" >/dev/null 2>&1 && return; sleep 0.2; done
    echo "node $1 does not serve"; tail -n 5 "$data"/v?.log; exit 1
}
resident() { awk '/^(RssAnon|RssFile)/ { sum += $2 } END { printf "%d MB", sum / 1024 }' "/proc/$1/status"; }
