#!/bin/bash
# A SLURM array that converts a trajectory in 40 parts, and joins them.
#
#   sbatch --array=1-40 slurm.sh ca.pdb ca.xtc aa.xtc
#   sbatch --dependency=singleton --job-name=backmap slurm.sh join aa.xtc
#
# Without SLURM, for a try: SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MAX=1 bash slurm.sh ca.pdb ca.xtc aa.xtc
#SBATCH --job-name=backmap
#SBATCH --cpus-per-task=2
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail

if [ "$1" = join ]; then
    exec mdbackmap join "$2"
fi
topology=$1 trajectory=$2 output=$3
# A part that was killed or requeued goes on where it was (--resume).
exec mdbackmap convert "$topology" "$trajectory" -o "$output" --resume --quiet \
    --part "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_MAX"
