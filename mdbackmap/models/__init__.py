"""The networks: what they see, building blocks, GenZProt, CGVAE, the denoiser, and cascades of models."""
