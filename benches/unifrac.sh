#!/bin/bash
# Time and memory of complete runs of `aam unifrac`, and how they scale.
#
#     benches/unifrac.sh [PROGRAM [FOLDER]]
#
# Creates tables with `aam simulate` in FOLDER (kept between runs; 10 000 samples take 1.5 GB) and prints
# a table, then the exponents by which CPU time grows with samples and ASVs. SAMPLES, ASVS, METRICS,
# THREADS, PRECISIONS and RUNS change what is measured. If SSU names the program `ssu` of
# unifrac-binaries, each of its runs follows one of `aam` on the same files.
set -euo pipefail
program=$(realpath "${1:-target/release/aam}")
folder=${2:-target/bench-unifrac}
: "${SAMPLES:=1000 4000 10000}" "${ASVS:=7500 15000 30000 60000}" "${THREADS:=1 2}"
: "${METRICS:=unweighted weighted-normalized generalized:0.5}" "${PRECISIONS:=f64}" "${RUNS:=3}"
: "${SSU:=}"
mkdir -p "$folder"
cd "$folder"

# table SAMPLES ASVS: creates the study if it does not exist.
table() {
    [ -e "$1-$2/table.biom" ] || "$program" simulate --samples "$1" --asvs "$2" \
        --sequence-length 20 --richness 300 --depth 10000 --output-dir "$1-$2" --overwrite \
        >/dev/null 2>&1
    # The simulated matrix is not needed.
    rm -f "$1-$2"/unifrac.*
}

# once COMMAND…: CPU seconds, wall-clock seconds, peak memory in MB.
once() {
    python3 -c '
import resource, subprocess, sys, time
start = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
clock = time.monotonic() - start
if done.returncode:
    sys.exit(done.stderr.decode())
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{used.ru_utime + used.ru_stime:.2f} {clock:.2f} {used.ru_maxrss / 1000:.0f}")
' "$@"
}

ours() { # samples asvs metric threads precision
    once "$program" unifrac --table "$1-$2/table.biom" --tree "$1-$2/tree.nwk" --metric "$3" \
        --threads "$4" --precision "$5" --output ours.h5 --overwrite
}

theirs() {
    local metric=${3%%:*} bits=${5#f}
    OMP_NUM_THREADS=$4 once "$SSU" -i "$1-$2/table.biom" -t "$1-$2/tree.nwk" \
        -m "${metric//-/_}_fp$bits" -a "${3##*:}" --pcoa 0 --format "hdf5_fp$bits" -o theirs.h5
}

# The median of each column.
median() {
    awk '{ for (i = 1; i <= NF; i++) value[i, NR] = $i }
        END { for (i = 1; i <= NF; i++) {
            n = 0
            for (j = 1; j <= NR; j++) { v = value[i, j]; k = n++
                while (k > 0 && sorted[k - 1] > v) { sorted[k] = sorted[k - 1]; k-- }
                sorted[k] = v }
            printf "%s ", sorted[int((n - 1) / 2)] } }'
}

row() { # program values…
    printf '%-5s %7s %7s  %-24s %4s %7s  %10s %8s %6s\n' "$@" | tee -a rows.txt
}

measure() {
    table "$1" "$2"
    local ours="" theirs=""
    for ((run = 0; run < RUNS; run++)); do
        ours+=$(ours "$@")$'\n'
        [ -z "$SSU" ] || theirs+=$(theirs "$@")$'\n'
    done
    # shellcheck disable=SC2046
    row aam "$@" $(printf %s "$ours" | median)
    # shellcheck disable=SC2046
    [ -z "$SSU" ] || row ssu "$@" $(printf %s "$theirs" | median)
}

: >rows.txt
row by samples ASVs metric thr. numbers processor clock MB
for metric in $METRICS; do
    for precision in $PRECISIONS; do
        for threads in $THREADS; do
            for samples in $SAMPLES; do
                measure "$samples" 30000 "$metric" "$threads" "$precision"
            done
        done
    done
done
for asvs in $ASVS; do
    # shellcheck disable=SC2015
    [ "$asvs" = 30000 ] && [[ " $SAMPLES " == *" 1000 "* ]] ||
        measure 1000 "$asvs" "${METRICS%% *}" "${THREADS%% *}" "${PRECISIONS%% *}"
done

# Slopes of least-squares lines through the logarithms.
python3 - <<'PYTHON'
from collections import defaultdict
from math import log

by_samples, by_asvs = defaultdict(list), defaultdict(list)
for line in open("rows.txt").readlines()[1:]:
    by, samples, asvs, metric, threads, numbers, processor, *_ = line.split()
    seconds = log(max(float(processor), 0.01))
    if asvs == "30000":
        by_samples[by, metric, threads, numbers].append((log(float(samples)), seconds))
    if samples == "1000":
        by_asvs[by, metric, threads, numbers].append((log(float(asvs)), seconds))
for what, groups in ("samples", by_samples), ("ASVs", by_asvs):
    for group, points in groups.items():
        if len(points) > 1:
            x, y = (sum(p[i] for p in points) / len(points) for i in (0, 1))
            slope = sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
            print(f"{' '.join(group)}: CPU time grows with {what} to the power of {slope:.2f}")
PYTHON
