#!/usr/bin/env bash
# etcd's own checks of a cluster (etcdctl check perf, check datascale), load s, against three processes of Holdfast on loopback. They judge by themselves; the exit code is theirs.
# usage: bench/check.sh [LOAD]      (s, m, l or xl; default s; perf takes a minute)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
load=${1:-s}
./holdfast version
dotnet build bench/Holdfast.Bench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.Bench/release/Holdfast.Bench
. bench/peers/clusters.sh
start_holdfast
etcdctl3 --endpoints "$endpoints" check perf --load="$load"
etcdctl3 --endpoints "$endpoints" check datascale --load="$load"
