"""What a model costs: parameters, memory and time."""

from .bounds import steps_of


def cost(model, provenance):
    """
    Parameters, and what the provenance knows of the training of the steps that were trained on this molecule.

    Parameters
    ----------
    model : Cascade or CGVAE
    provenance : dict

    Returns
    -------
    dict of str to float
        ``parameters`` of all steps, ``trained`` of those that were trained on this molecule; ``training_minutes``, the
        sum over these; ``memory_mb``, the peak of the largest of them in a training step; ``memory_recomputed_mb``,
        the same if messages are worked out again in the backward pass.
    """
    steps = steps_of(model)[0]
    origins = provenance.get("steps", [{}] * len(steps)) if model.family == "chain" else [provenance]
    trained = [k for k, step in enumerate(steps) if step.molecule is not None or "memory_bytes" in origins[k]]
    count = [sum(weight.numel() for weight in step.parameters()) for step in steps]
    row = {"parameters": float(sum(count)), "trained": float(sum(count[k] for k in trained))}
    minutes = [origins[k].get("minutes") for k in trained]
    if trained and None not in minutes:
        row["training_minutes"] = float(sum(minutes))
    for name, key in (("memory_mb", "memory_bytes"), ("memory_recomputed_mb", "memory_recomputed")):
        memory = [origins[k].get(key) for k in trained]
        if trained and None not in memory:
            row[name] = max(memory) / 1e6
    return row
