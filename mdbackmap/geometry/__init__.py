"""Vectors, frames, angles and nearest neighbours in torch."""
