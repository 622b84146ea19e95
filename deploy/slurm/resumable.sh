#!/bin/bash
# Runs a command of `aam` in a SLURM job so that the job can be stopped at any time and goes on where
# it was.
#
#     resumable.sh RUN COMMAND [ARGUMENT…]
#
# COMMAND is `train` or `pretrain`, with its arguments but for --output-dir, which is RUN. The job
# scripts beside this one `exec` it, so that it is the process which SLURM sends the signal to.
set -uo pipefail

if [ "$#" -lt 2 ] || [[ "$1" == -* || "$2" == -* ]]; then
    echo "usage: resumable.sh RUN COMMAND [ARGUMENT…]" >&2
    exit 2
fi
run=$1
shift
# Both may be several words.
read -ra launch <<<"${AAM_LAUNCH:-srun}"
read -ra aam <<<"${AAM:-aam}"
saved=5

if [ -e "$run/checkpoints/last" ]; then
    echo "resumable.sh: $run has a checkpoint; going on with it" >&2
    arguments=("$1" --resume --output-dir "$run")
else
    arguments=("$@" --output-dir "$run")
    # What was stopped before its first checkpoint begins anew.
    if [ -e "$run/config.toml" ]; then
        arguments+=(--overwrite)
    fi
fi

# Steps do not always get the job's processors by themselves.
arguments+=(--threads "${SLURM_CPUS_PER_TASK:-$(nproc)}")

child=
stopped=
# Called by a trap.
# shellcheck disable=SC2317
stop() {
    stopped=yes
    echo "resumable.sh: asking aam to save and stop" >&2
    # All steps of the job, not this script. Outside SLURM, the command itself.
    if [ -n "${SLURM_JOB_ID:-}" ]; then
        scancel --signal=TERM "$SLURM_JOB_ID"
    elif [ -n "$child" ]; then
        kill -TERM "$child"
    fi
}
trap stop USR1 TERM

"${launch[@]}" "${aam[@]}" "${arguments[@]}" &
child=$!
wait "$child"
code=$?
# A signal ends `wait` before the command has ended.
while [ -n "$stopped" ]; do
    stopped=
    wait "$child"
    code=$?
done

if [ "$code" -eq "$saved" ] && [ -n "${SLURM_JOB_ID:-}" ]; then
    echo "resumable.sh: a checkpoint is saved; the job goes back into the queue" >&2
    scontrol requeue "$SLURM_JOB_ID" && exit 0
    echo "resumable.sh: it could not; submit the same job again to go on" >&2
fi
exit "$code"
