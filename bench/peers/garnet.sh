#!/usr/bin/env bash
# Microsoft's Garnet (the .NET tool garnet-server) and Holdfast in turn: one node, SET and GET of 50 clients, unpipelined and 16 at a time. Prints every round, then medians and ratios.
# usage: bench/peers/garnet.sh [ROUNDS]      (default 3)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
rounds=${1:-3} requests=${HOLDFAST_BENCH_REQUESTS:-300000}
command -v redis-benchmark >/dev/null || { echo "needs Debian's redis-tools"; exit 1; }
garnet=artifacts/tools/garnet-server
[ -x $garnet ] || dotnet tool install garnet-server --version 2.2.8 --tool-path artifacts/tools >/dev/null
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
. bench/peers/clusters.sh
. bench/peers/keyspaces.sh
for round in $(seq "$rounds"); do
    echo "round $round"
    for who in garnet holdfast; do
        "start_one_$who"
        measured $who warm: "$requests" -r 100000 -t set,get >/dev/null; sed -i '/ warm:/d' "$data/rows"
        for test in set get; do measured $who "" "$requests" -r 100000 -t $test; done
        for test in set get; do measured $who p16: $((requests * 4)) -r 100000 -P 16 -t $test; done
        stop
    done
done
medians garnet holdfast
