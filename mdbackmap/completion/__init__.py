"""Atoms that the models do not make, added afterwards."""
