#!/bin/bash
# A SLURM array that converts a trajectory in 40 parts, and joins them.
#
#   sbatch slurm.sh ca.pdb ca.xtc aa.xtc
#   sbatch --array=3,17 slurm.sh ca.pdb ca.xtc aa.xtc      # parts 3 and 17 again, of 40
#   sbatch --array=1 --dependency=singleton --job-name=backmap slurm.sh join aa.xtc
#
# Without SLURM, for a try: PARTS=1 SLURM_ARRAY_TASK_ID=1 bash slurm.sh ca.pdb ca.xtc aa.xtc
# Other numbers of parts: change both 40s below.
#SBATCH --job-name=backmap
#SBATCH --array=1-40
#SBATCH --cpus-per-task=2
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail
PARTS=${PARTS:-40}  # not SLURM's count of tasks, which is another one where some are run again

if [ "$1" = join ]; then
    exec mdbackmap join "$2"
fi
topology=$1 trajectory=$2 output=$3
# A part that was killed or requeued goes on where it was (--resume).
exec mdbackmap convert "$topology" "$trajectory" -o "$output" --resume --quiet \
    --part "$SLURM_ARRAY_TASK_ID/$PARTS"
