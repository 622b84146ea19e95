#!/bin/bash
# Runs a command of `aam` in a SLURM job that can be stopped at any time and resumes where it stopped.
#
#     resumable.sh RUN COMMAND [ARGUMENT…]
#
# COMMAND is `train` or `pretrain` with its arguments except --output-dir, which is RUN. The job scripts
# next to this one `exec` it, so that SLURM sends signals to this process.
set -uo pipefail

if [ "$#" -lt 2 ] || [[ "$1" == -* || "$2" == -* ]]; then
    echo "usage: resumable.sh RUN COMMAND [ARGUMENT…]" >&2
    exit 2
fi
run=$1
shift
# Both may consist of several words.
read -ra launch <<<"${AAM_LAUNCH:-srun}"
read -ra aam <<<"${AAM:-aam}"
saved=5

if [ -e "$run/checkpoints/last" ]; then
    echo "resumable.sh: $run has a checkpoint; resuming from it" >&2
    arguments=("$1" --resume --output-dir "$run")
else
    arguments=("$@" --output-dir "$run")
    # A run that was stopped before its first checkpoint starts again.
    if [ -e "$run/config.toml" ]; then
        arguments+=(--overwrite)
    fi
fi

# Job steps do not always get all CPUs of the job by default.
arguments+=(--threads "${SLURM_CPUS_PER_TASK:-$(nproc)}")

child=
stopped=
# Called by a trap.
# shellcheck disable=SC2317
stop() {
    stopped=yes
    echo "resumable.sh: asking aam to save and stop" >&2
    # Signals all steps of the job, but not this script; outside SLURM, the command itself.
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
# A signal interrupts `wait` before the command ends.
while [ -n "$stopped" ]; do
    stopped=
    wait "$child"
    code=$?
done

if [ "$code" -eq "$saved" ] && [ -n "${SLURM_JOB_ID:-}" ]; then
    echo "resumable.sh: a checkpoint was saved; requeueing the job" >&2
    scontrol requeue "$SLURM_JOB_ID" && exit 0
    echo "resumable.sh: requeueing failed; submit the same job again to resume" >&2
fi
exit "$code"
