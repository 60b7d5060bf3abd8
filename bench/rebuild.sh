#!/usr/bin/env bash
# How long a group that executes at append is without its state when it must be rebuilt from snapshot and log (S20). One node.
# usage: bench/rebuild.sh [SIZE] [WRITES] [ROUNDS]      (defaults 1G, 20000 and 3)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
dotnet build samples/LargeState -c Release -v quiet -nologo -clp:NoSummary
for _ in $(seq "${3:-3}"); do
    echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
    artifacts/bin/LargeState/release/LargeState rebuild --size "${1:-1G}" --writes "${2:-20000}"
done
