# What redis.sh and garnet.sh share; sourced, after clusters.sh. Servers of the Redis protocol on loopback, one kind at a time.
redis_port=$((ports + 500))
awaits() { for _ in $(seq 200); do [ "$(redis-cli -p "$1" set ready yes 2>/dev/null)" = OK ] && return; sleep 0.1; done; echo "nobody serves at port $1"; tail -n 5 "$data"/*.log; exit 1; }
# From here on servers of one process serve TLS too, with the same certificate, at a port of its own; tls is what redis-benchmark needs for it.
tls=()
certify() {
    ./holdfast cert ca --out "$data/ca" >/dev/null
    ./holdfast cert node n1 --ca "$data/ca" --out "$data/tls" --host 127.0.0.1 >/dev/null
    tls=(-p $((redis_port + 50)) --tls --cacert "$data/ca/ca.pem")
}
# One process. Redis keeps its log as it does by default once it keeps one (AOF everysec); Holdfast acknowledges when executed (async) and logs too.
start_one_redis() {
    local secured=()
    [ ${#tls[@]} = 0 ] || secured=(--tls-port $((redis_port + 50)) --tls-cert-file "$data/tls/node.pem" --tls-key-file "$data/tls/node.key" --tls-ca-cert-file "$data/ca/ca.pem" --tls-auth-clients no)
    rm -rf "$data/r"; mkdir -p "$data/r"
    redis-server --port $redis_port --bind 127.0.0.1 --dir "$data/r" --save "" --appendonly yes --appendfsync everysec "${secured[@]}" >"$data/r.log" 2>&1 &
    pids=($!); awaits $redis_port
}
start_one_holdfast() {
    local secured=()
    [ ${#tls[@]} = 0 ] || secured=(--redis-tls 127.0.0.1:$((redis_port + 50)) --redis-cert "$data/tls/node.pem" --redis-key "$data/tls/node.key")
    rm -rf "$data/h"
    ./holdfast server --data "$data/h" --etcd 127.0.0.1:$((ports + 600)) --peer 127.0.0.1:$((ports + 601)) --redis 127.0.0.1:$redis_port --redis-durability async "${secured[@]}" >"$data/h.log" 2>&1 &
    pids=($!); awaits $redis_port
}
# Garnet with its log on, as the others have theirs (a commit every second), written by .NET's own file calls: its native ones ask for a library that Debian has under another name.
start_one_garnet() {
    rm -rf "$data/g"; mkdir -p "$data/g"
    DOTNET_ROLL_FORWARD=LatestMajor "$garnet" --bind 127.0.0.1 --port $redis_port --aof --aof-commit-freq 1000 --device-type RandomAccess -c "$data/g" --memory 1g >"$data/g.log" 2>&1 &
    pids=($!); awaits $redis_port
}
# Three processes that have a write on a quorum's disks before it is acknowledged: a primary and two replicas that fsync always, or three nodes.
start_three_redis() {
    local i
    pids=()
    for i in 0 1 2; do
        rm -rf "$data/r$i"; mkdir -p "$data/r$i"
        redis-server --port $((redis_port + i)) --bind 127.0.0.1 --dir "$data/r$i" --save "" --appendonly yes --appendfsync always ${1:-} $([ $i = 0 ] || echo "--replicaof 127.0.0.1 $redis_port") >"$data/r$i.log" 2>&1 &
        pids+=($!)
    done
    awaits $redis_port
    for _ in $(seq 100); do [ "$(redis-cli -p $redis_port wait 2 100)" = 2 ] && break; sleep 0.1; done
    endpoints=127.0.0.1:$redis_port
}
start_three_holdfast() {
    local i members="" m
    rm -rf "$data"/h?
    pids=()
    for m in 1 2 3; do members+="${members:+,}n$m=127.0.0.1:$((ports + 600 + m))"; done
    for i in 1 2 3; do
        ./holdfast server --name n$i --data "$data/h$i" --peer 127.0.0.1:$((ports + 600 + i)) --cluster "$members" --etcd 127.0.0.1:$((ports + 700 + i)) --redis 127.0.0.1:$((redis_port + i)) >"$data/h$i.log" 2>&1 &
        pids+=($!)
    done
    endpoints=127.0.0.1:$((redis_port + 1)),127.0.0.1:$((redis_port + 2)),127.0.0.1:$((redis_port + 3))
    for _ in $(seq 300); do [ "$(redis-cli -c -p $((redis_port + 1)) cluster info 2>/dev/null | tr -d '\r' | grep -c '^cluster_state:ok')" = 1 ] && led_by_each && return; sleep 0.2; done
    echo "the cluster does not serve"; tail -n 5 "$data"/h?.log; exit 1
}
# Every node leads a shard, so that each is a master.
led_by_each() { [ "$(redis-cli -p $((redis_port + 1)) cluster slots | tr -d '\r' | grep -cE "^($((redis_port + 1))|$((redis_port + 2))|$((redis_port + 3)))\$")" -ge 3 ] && [ "$(redis-cli -p $((redis_port + 1)) cluster nodes | grep -c master)" = 3 ]; }
# A row of Debian's redis-benchmark: who, case's prefix, requests, its arguments.
measured() { measured_within 600 "$@"; }
# The same, given up after some seconds.
measured_within() {
    local limit=$1 who=$2 name=$3 requests=$4
    shift 4
    timeout "$limit" "$bench" redis-benchmark "$requests" --case "$name" --clients 50 --servers "$(servers)" -- -p $redis_port -c 50 -d 64 "$@" | sed "s/^/$who /" | tee -a "$data/rows"
}
