"""MDAnalysis' side: Universes opened, frames read ahead, trajectories lifted to atoms."""
