"""CGVAE: any molecule, any mapping; one molecule a model."""
