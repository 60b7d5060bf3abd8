#!/usr/bin/env bash
# Debian's etcd and Holdfast, three processes each on loopback, fsync on, in turn, with the same client. Prints every round, then medians and ratios.
# usage: bench/peers/etcd.sh [ROUNDS] [SECONDS]      (defaults 3 and 4)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
rounds=${1:-3} seconds=${2:-4}
command -v etcd >/dev/null || { echo "needs Debian's etcd-server (apt-get install etcd-server etcd-client)"; exit 1; }
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
. bench/peers/clusters.sh
cases="put:1 put:64 put:256 txn:64 range:1 range:64 range:256 serializable:64 serializable:256 watch:1000"
measure() { for one in $cases; do row "$1" "${one%:*}" "${one#*:}" "$seconds"; done; }
for round in $(seq "$rounds"); do
    echo "round $round"
    start_etcd; measure etcd; stop
    start_holdfast; measure holdfast; stop
done
medians etcd holdfast
