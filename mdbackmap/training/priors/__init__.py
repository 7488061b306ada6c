"""Statistics of crystals and small networks that sampling uses beside the model, and how they are learned."""
