#!/usr/bin/env bash
# Debian's etcd and Holdfast, three processes each on loopback, fsync on, in turn, with the same client. Prints every round, then medians and ratios.
# usage: bench/peers/etcd.sh [ROUNDS] [SECONDS] [WHAT]      (defaults 3, 4 and all)
# WHAT: plain; writes (its puts and transactions only); tls (put and range, TLS to clients and between nodes); million (a million keys: memory, restart, pause while snapshots are taken; once); all
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
rounds=${1:-3} seconds=${2:-4} what=${3:-all}
case $what in plain | writes | tls | million | all) ;; *) sed -n '3,4s/^# //p' "$0"; exit 2 ;; esac
command -v etcd >/dev/null || { echo "needs Debian's etcd-server (apt-get install etcd-server etcd-client)"; exit 1; }
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
. bench/peers/clusters.sh
. bench/peers/million.sh
wanted() { [ "$what" = "$1" ] || [ "$what" = all ]; }
# All rounds of some cases, then their table.
compare() {
    local round one who
    rm -f "$data/rows"
    for round in $(seq "$rounds"); do
        echo "round $round"
        for who in etcd holdfast; do
            "start_$who"
            for one in $1; do row $who "${one%:*}" "${one#*:}" "$seconds"; done
            stop
        done
    done
    medians etcd holdfast
}
if wanted plain; then
    compare "put:1 put:64 put:256 txn:64 range:1 range:64 range:256 serializable:64 serializable:256 watch:1000"
fi
# Puts and transactions in turn: whichever comes later has more history beside it.
if [ "$what" = writes ]; then compare "put:64 txn:64 txn:64 put:64 put:256"; fi
if wanted tls; then
    echo "with TLS to clients and between nodes"
    secure
    compare "put:64 put:256 range:64 range:256 serializable:64"
    in_clear
fi
if wanted million; then
    million etcd "$seconds"
    million holdfast "$seconds"
    million_summary
fi
