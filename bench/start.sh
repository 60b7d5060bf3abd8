#!/usr/bin/env bash
# Start of a single node on a warm build, from the command to the first answered request, and its resident memory when empty. Bars: 1.0 s and 120 MB.
# usage: bench/start.sh [ROUNDS]      (default 5)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
./holdfast version
port=$((${HOLDFAST_BENCH_PORTS:-24000} + 600)) data=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-start-XXXXXX") pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$data"' EXIT
for round in $(seq "${1:-5}"); do
    port=$((port + 1))
    load=$(cut -d' ' -f1 /proc/loadavg) begun=$(date +%s%N)
    ./holdfast server --data "$data/$round" --etcd "127.0.0.1:$port" >"$data/$round.log" 2>&1 &
    pid=$!
    # bash's own connection, so that no client's start is measured.
    until { exec 9<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; do sleep 0.005; kill -0 "$pid" || { cat "$data/$round.log"; exit 1; }; done
    printf 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&9
    grep -q '"health":"true"' <&9 || { echo "not healthy"; exit 1; }
    ready=$(date +%s%N)
    exec 9<&- 9>&-
    sleep 2
    echo "start-to-ready=$(((ready - begun) / 1000000))ms resident=$(awk '/VmRSS/ {printf "%.0f", $2 / 1024}' "/proc/$pid/status")MB load=$load"
    kill "$pid"; wait "$pid" || true
    pid=
done
