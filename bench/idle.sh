#!/usr/bin/env bash
# What rest costs: bare groups (1 and 200) on three nodes, and three whole servers without clients; percent of one core and wake-ups per second, per node.
# usage: bench/idle.sh [SECONDS]      (default 10)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
seconds=${1:-10}
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
. bench/peers/clusters.sh
"$bench" core-idle $((ports + 500)) --seconds "$seconds"
start_holdfast; sleep 3
"$bench" idle --servers "$(servers)" --seconds "$seconds"
