#!/bin/bash
# Checks whether a GPU computes correctly and how fast it trains, in one table.
#
#     benches/gpu/run.sh [PROGRAM [FOLDER]]
#
# Needs the program `aam` (built with the GPU's backend; `strip` makes it small), bash and awk, but no
# compiler or network. It runs `aam doctor`, the cases of the reference implementation, a short
# pre-training on a simulated study and, if PEER names a PyTorch program that takes the same arguments
# as ours, that program on the same study, both in 32-bit floats and, if the device supports it, in
# bf16. All output goes to FOLDER, and the table to FOLDER/table.md. These variables change what is
# run:
#
#   DEVICE=auto        device of aam, as in `aam --device`
#   NUMBERS="f32 bf16" number formats of matrix products
#   PEER= PYTHON=python3 PEER_DEVICE=cuda
#   GOLDEN=            folder of cases; tests/fixtures/golden if this script is in the sources
#   SAMPLES=256 ASVS=5000 RICHNESS=300 LENGTH=150    the study
#   BATCH=8 LIMIT=256 STEPS=30                       samples per batch, ASVs per sample, updates
set -uo pipefail
program=$(realpath "${1:-target/release/aam}")
folder=${2:-target/bench-gpu}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${DEVICE:=auto}" "${PEER:=}" "${PYTHON:=python3}" "${PEER_DEVICE:=cuda}"
: "${NUMBERS:=f32 bf16}" "${GOLDEN:=$here/../../tests/fixtures/golden}"
: "${SAMPLES:=256}" "${ASVS:=5000}" "${RICHNESS:=300}" "${LENGTH:=150}"
: "${BATCH:=8}" "${LIMIT:=256}" "${STEPS:=30}"
[ -z "$PEER" ] || PEER=$(realpath "$PEER")
[ ! -d "$GOLDEN" ] || GOLDEN=$(realpath "$GOLDEN")
mkdir -p "$folder/study"
cd "$folder" || exit 1
failed=0
# The preset `base`, which is the default of the other program.
layers=4 width=128

# Memory used on the first GPU by all processes, in megabytes.
gpu_memory() {
    if command -v nvidia-smi >/dev/null; then
        nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits 2>/dev/null | head -1
    elif command -v rocm-smi >/dev/null; then
        rocm-smi --showmeminfo vram --csv 2>/dev/null | awk -F, 'NR == 2 { print int($3 / 1e6) }'
    fi
}

# watched LOG COMMAND…: runs the command, and sets `main` and `gpu` to the peak memory in GB of the
# process and of the GPU.
watched() {
    local log=$1 before peak=0 now child code
    shift
    before=$(gpu_memory)
    "$@" >"$log" 2>&1 &
    child=$!
    main=0
    while kill -0 "$child" 2>/dev/null; do
        now=$(awk '/VmHWM/ { print $2 / 1e6 }' "/proc/$child/status" 2>/dev/null)
        main=${now:-$main}
        now=$(gpu_memory)
        [ "${now:-0}" -le "$peak" ] || peak=$now
        sleep 0.2
    done
    wait "$child"
    code=$?
    main=$(awk -v m="$main" 'BEGIN { printf "%.1f", m }')
    gpu=–
    [ -z "$before" ] || gpu=$(awk -v a="$before" -v b="$peak" 'BEGIN { printf "%.1f", (b - a) / 1e3 }')
    if [ "$code" -ne 0 ]; then
        failed=1
        echo "$* ended with $code:" >&2
        tail -5 "$log" >&2
    fi
    return "$code"
}

# field NAME FILE: the first number or string of that name in a JSON file.
field() {
    grep -o "\"$1\": *[^,}]*" "$2" | head -1 | sed 's/^[^:]*: *//; s/"//g'
}

# share SAMPLES_PER_SECOND: the share of the measured rate of matrix products, if each ASV of each
# sample goes forward and (at twice the cost) backward through the encoder. It ignores the other parts,
# and is the same measure for all programs, whatever they skip or recompute.
share() {
    awk -v rate="$1" -v n="$per_sample" -v peak="$peak" -v l="$layers" -v d="$width" -v t="$LENGTH" '
        BEGIN {
            if (n == 0 || peak == 0 || rate == 0) { print "–"; exit }
            forward = l * t * (24 * d * d + 4 * t * d)
            printf "%.1f %%", 100 * rate * n * 3 * forward / (peak * 1e9)
        }'
}

# rows PROGRAM (NUMBERS MS SAMPLES_PER_SECOND MEMORY GPU_MEMORY)…: rows of the table.
rows() {
    local name=$1
    shift
    while [ $# -gt 0 ]; do
        echo "| $name | $1 | $2 | $3 | $4 | $5 | $(share "$3") |"
        shift 5
    done
}

echo 'doctor' >&2
doctor=(doctor --json --quiet)
[ "$DEVICE" = auto ] || doctor+=(--device "$DEVICE")
[ ! -d "$GOLDEN" ] || doctor+=(--golden "$GOLDEN")
"$program" "${doctor[@]}" >doctor.json 2>doctor.log || failed=1
cat doctor.log >&2
auto=$(field auto doctor.json)
device=$DEVICE
[ "$DEVICE" != auto ] || device=$auto
# The part of the report about that device.
awk -v name="\"name\": \"$device\"" 'index($0, name) { on = 1 } on' doctor.json >device.json
peak=$(field gflops device.json)
: "${peak:=0}"

echo 'study' >&2
if [ ! -e study/table.biom ]; then
    "$program" simulate --samples "$SAMPLES" --asvs "$ASVS" --richness "$RICHNESS" \
        --sequence-length "$LENGTH" --output-dir study --overwrite --quiet || exit 1
fi
[ -e study/unifrac-unweighted.npy ] || "$program" unifrac --table study/table.biom \
    --tree study/tree.nwk --output study/unifrac-unweighted.npy --quiet || exit 1

ours=()
for numbers in $NUMBERS; do
    # A CPU lists a format only if it supports it natively, without converting each number.
    if ! grep -q "\"numbers\": \"$numbers\"" device.json; then
        echo "pre-training, $numbers: skipped, because the device does not support them" >&2
        continue
    fi
    echo "pre-training, $numbers" >&2
    precision=$numbers
    [ "$numbers" != f32 ] || precision=none
    rate=0 time=–
    if watched "aam-$numbers.log" "$program" pretrain --table study/table.biom \
        --tree study/tree.nwk --preset base --dropout 0.1 --pooling attention \
        --compatibility masked-embeddings --asv-sampling random --batch-size "$BATCH" \
        --token-limit "$LIMIT" --max-steps "$STEPS" --device "$DEVICE" \
        --mixed-precision "$precision" --output-dir "run-$numbers" --overwrite; then
        speed=$(sed -n 's/.*the median took \([0-9.]*\) ms; \([0-9.]*\) samples a second.*/\1 \2/p' "aam-$numbers.log" | tail -1)
        time=${speed% *} rate=${speed#* }
    fi
    ours+=("$numbers" "$time" "$rate" "$main" "$gpu")
done

theirs=()
per_sample=0
without_peer=
if [ -z "$PEER" ]; then
    without_peer='PEER names no PyTorch program'
elif ! "$PYTHON" -c 'import torch' 2>peer.log; then
    without_peer="$PYTHON has no PyTorch: $(tail -1 peer.log)"
fi
if [ -n "$without_peer" ]; then
    echo "PyTorch: skipped: $without_peer" >&2
else
    for numbers in $NUMBERS; do
        echo "PyTorch, $numbers" >&2
        rate=0 time=–
        if watched "peer-$numbers.json" "$PYTHON" "$PEER" --data study --mode pretrain \
            --batch "$BATCH" --token-limit "$LIMIT" --steps "$STEPS" --warmup 3 \
            --device "$PEER_DEVICE" --dtype "$numbers"; then
            rate=$(field samples_per_s "peer-$numbers.json")
            time=$(awk -v s="$(field median_step_s "peer-$numbers.json")" 'BEGIN { print 1e3 * s }')
            [ "$PEER_DEVICE" = cpu ] || gpu=$(field peak_gb "peer-$numbers.json")
            per_sample=$(awk -v a="$(field asvs_per_s "peer-$numbers.json")" -v s="$rate" \
                'BEGIN { print a / s }')
        fi
        theirs+=("$numbers" "$time" "$rate" "$main" "$gpu")
    done
fi

# The name may contain commas.
model=$(sed -n 's/.*"model": "\(.*\)",*$/\1/p' device.json | head -1)
right=$(awk '/"forward"/ { n++ } END { print n + 0 }' device.json)
{
    echo "# aam on $device"
    echo
    echo "$("$program" --version), Burn $(field burn doctor.json), device ${model:-unknown}"
    echo
    echo "$SAMPLES samples of about $RICHNESS ASVs of $LENGTH bases; batches of $BATCH, at most" \
        "$LIMIT ASVs per sample, $STEPS updates of the preset base."
    echo
    echo '| | |'
    echo '|---|---|'
    if [ "$failed" = 0 ] && [ ! -s doctor.log ]; then
        echo "| doctor | correct: $right comparisons of attention, $(grep -c '"output"' device.json) of golden outputs |"
    else
        echo "| doctor | see doctor.log: $(head -c 300 doctor.log | tr '\n' ' ') |"
    fi
    grep -o '"numbers": "[a-z0-9]*"\|"gflops": [0-9.]*' device.json | sed 's/.*: //; s/"//g' |
        awk 'NR % 2 { name = $1; next } { printf "| matrix product, %s | %.0f Gflop/s |\n", name, $1 }'
    echo
    echo '| program | numbers | ms per step | samples/s | memory GB | GPU GB | of the f32 rate |'
    echo '|---|---|---:|---:|---:|---:|---:|'
    rows aam ${ours[@]+"${ours[@]}"}
    rows PyTorch ${theirs[@]+"${theirs[@]}"}
    [ -z "$without_peer" ] || printf '\nPyTorch was skipped: %s.\n' "$without_peer"
} | tee table.md
exit "$failed"
