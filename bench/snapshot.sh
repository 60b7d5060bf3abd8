#!/usr/bin/env bash
# A state of about 1 GB, and a group at rest beside it: writes while a snapshot is taken, and while a joiner streams it, is killed at half, resumes and joins; the log's size with one idle group; restart time.
# usage: bench/snapshot.sh [SIZE] [SECONDS] [DIR]      (defaults 1G, 60 and a temporary folder; 10 minutes of load: bench/snapshot.sh 1G 600)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
size=${1:-1G} seconds=${2:-60} data=${3:-$(mktemp -d)}
trap 'rm -rf "$data"' EXIT
dotnet build samples/LargeState -c Release -v quiet -nologo -clp:NoSummary
echo "$(nproc) cores, load before: $(cut -d' ' -f1-3 /proc/loadavg)"
artifacts/bin/LargeState/release/LargeState --size "$size" --seconds "$seconds" --data "$data"
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)"
