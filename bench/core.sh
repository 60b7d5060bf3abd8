#!/usr/bin/env bash
# A bare replicated group (three processes, loopback TCP, real disk with fsync, 256-byte entries, proposers inside the leader, no face) and Debian's etcd (three processes, puts of
# 256 bytes by as many clients), in turn in the same run. Prints every round, then medians and ratios.
# usage: bench/core.sh [ROUNDS] [SECONDS]      (defaults 3 and 4)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
rounds=${1:-3} seconds=${2:-4}
command -v etcd >/dev/null || { echo "needs Debian's etcd-server (apt-get install etcd-server etcd-client)"; exit 1; }
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
. bench/peers/clusters.sh
for round in $(seq "$rounds"); do
    echo "round $round"
    start_etcd; for clients in 1 64 256; do row etcd put $clients "$seconds"; done; stop
    "$bench" core $((ports + 500)) --seconds "$seconds" | sed 's/^/group /' | tee -a "$data/rows"
done
medians etcd group
