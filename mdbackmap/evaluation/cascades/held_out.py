"""
One model judged on the frames that were held out from its training: samples from the prior, given the coarsest beads.

Nothing is superposed, and all samples count. Metrics of structures are those of `metrics.protocol`. Where the
true frames are C-alpha traces, traces are compared with them. The atoms that a cascade puts on its traces are then
judged on their own.

Shapes: F frames, S samples, A atoms, R residues. Angstrom.
"""

import dataclasses
import time

import numpy as np
import torch

from ...generation.bound import bind
from ...generation.noise import Noise
from ...metrics.dihedrals import atom14, backbone_torsions
from ...metrics.protocol import evaluate, evaluate_geometry
from ...metrics.samples import torsion_divergences
from ...options import Keys, Tolerance
from ...traces.mending import is_trace
from ..benchmark import one_thread
from ..peptide_torsions import divergence, halves
from .bounds import bounds, steps_of
from .cost import cost
from .secondary import agreement, by_torsions, by_trace
from .trace_quality import judge_trace

_CA = 1  # slot of an atom14 array
_FRAMES = 64  # at a time


@dataclasses.dataclass(frozen=True, eq=False)
class ModelJudgement:
    """
    What was measured of one model.

    Attributes
    ----------
    kind : str
        "1 step", "2 steps", ..., or "2 steps, last tuned" if its last step was trained on with this molecule, too.
    n_beads : int
        At the coarsest level.
    temperature : float
    mean : dict of str to float
    bounds : list of dict
        See `bounds.bounds`; empty if they were not asked for.
    reference : dict of str to float
        What the true frames themselves score.
    """

    kind: str
    n_beads: int
    temperature: float
    mean: dict
    bounds: list
    reference: dict


def judge_model(model, provenance, true, *, n_samples=1, temperature=1.0, seed=0, elbo=False):
    """
    Judge a cascade, or a CGVAE.

    Parameters
    ----------
    model : Cascade or CGVAE
        Of one molecule.
    provenance : dict
        Of its weights.
    true : ndarray of float, shape (F, A, 3)
        Held-out frames at its finest level, or as C-alpha traces, if one of its steps makes these.
    n_samples : int
        Of each frame.
    temperature : float
    seed : int
    elbo : bool
        The evidence lower bound, too.

    Returns
    -------
    ModelJudgement
    """
    true = np.asarray(true, dtype=np.float32)
    true = true - true.mean(1, keepdims=True)
    mapping = whole_mapping(model, true.shape[1])
    with one_thread():
        began = time.process_time()
        bound = bind(model, model.molecule)
        drawn = [draw(bound, mapping, true, sample, temperature, seed) for sample in range(n_samples)]
        seconds = (time.process_time() - began) / (n_samples * len(true))
    made, atoms = (np.concatenate(part) for part in zip(*drawn, strict=True))
    judge = _trace if is_trace(mapping.fine) else _protein
    mean, reference = judge(mapping.fine, made, np.concatenate([true] * n_samples)), judge(mapping.fine, true, true)
    if mapping.n_atoms != model.molecule.n_atoms:
        slots, mask = atom14(model.molecule.fine, atoms)
        mean |= evaluate_geometry(slots, mask, model.molecule.fine.types, model.molecule.fine.ends)
    elif model.family == "chain":
        mean |= _last_alone(model, true, n_samples, temperature, seed)
    moved = model.molecule.project(atoms) - np.concatenate([mapping.project(true)] * n_samples)
    mean["beads_moved"] = float(np.sqrt(np.square(moved).sum(-1).mean()))
    mean |= {**cost(model, provenance), "sampling_ms": 1000 * seconds}
    n_steps = len(steps_of(model)[0])
    kind = f"{n_steps} step{'s' if n_steps > 1 else ''}"
    if n_steps > 1 and model.steps[-1].molecule is None and "memory_bytes" in provenance.get("steps", [{}])[-1]:
        kind += ", last tuned"
    terms = bounds(model, true, seed) if elbo else []
    return ModelJudgement(kind, model.molecule.n_beads, temperature, mean, terms, reference)


def whole_mapping(model, n_atoms):
    """
    The mapping from a model's coarsest beads to the level that has so many atoms.

    Raises
    ------
    ValueError
        There is no such level.
    """
    whole, numbers = None, []
    for mapping in steps_of(model)[1]:
        whole = mapping if whole is None else whole.then(mapping)
        numbers.append(whole.n_atoms)
        if whole.n_atoms == n_atoms:
            return whole
    raise ValueError(f"frames of {n_atoms} atoms, but the model makes {numbers}: expected its own molecule")


@torch.no_grad()
def draw(bound, mapping, true, sample=0, temperature=1.0, seed=0, tolerance="auto"):
    """
    Samples given the coarsest beads of true frames.

    Parameters
    ----------
    bound : Bound
    mapping : Mapping
        From these beads to the level of the frames.
    true : ndarray of float, shape (F, A, 3)
        Angstrom; frames are numbered from 0.
    sample : int
        Number of the sample.
    temperature : float
    seed : int
    tolerance : float or "auto"
        How far beads may move.

    Returns
    -------
    list of two ndarray of float
        At the level of the true frames, and at the finest.
    """
    beads, out = torch.tensor(mapping.project(true), device=next(bound.model.parameters()).device), []
    for first in range(0, len(beads), _FRAMES):
        part = beads[first : first + _FRAMES]
        keys = Keys.of(range(first, first + len(part)), sample)
        levels = bound.levels(part, Noise(seed, temperature), keys, tolerance=Tolerance.of(tolerance))
        kept = next(x for x in levels if x.shape[1] == mapping.n_atoms), levels[-1]
        out.append([level.cpu().numpy() for level in kept])
    return [np.concatenate(level) for level in zip(*out, strict=True)]


@torch.no_grad()
def _last_alone(model, true, n_samples, temperature, seed):
    """RMSD of the last step on its true beads: what earlier steps cannot be blamed for."""
    step, mapping = model.steps[-1], model.mappings()[-1]
    beads = torch.tensor(mapping.project(true), device=next(step.parameters()).device)
    bound, rmsd = bind(step, mapping), []
    for sample in range(n_samples):
        drawn = bound.sample(beads, Noise(seed, temperature), Keys.of(range(len(beads)), sample)).cpu().numpy()
        rmsd.append(np.sqrt(np.square(drawn - true).sum(-1).mean(1)).mean())
    return {"rmsd_last": float(np.mean(rmsd))}


def _trace(fine, drawn, true):
    row = judge_trace(drawn, true, fine.ends, fine.cis)
    return row | {"ss_ca": agreement(by_trace(drawn, fine.ends), by_trace(true, fine.ends))}


def _protein(fine, drawn, true):
    (made, mask), (known, _) = atom14(fine, drawn), atom14(fine, true)
    shape = mask, fine.types, fine.ends
    row = evaluate(made, known, *shape) | torsion_divergences(made, known, *shape)
    row |= judge_trace(made[:, :, _CA], known[:, :, _CA], fine.ends, fine.cis)
    row["ss"] = agreement(*(by_torsions(x, mask, fine.ends) for x in (made, known)))
    row["ss_ca"] = agreement(*(by_trace(x[:, :, _CA], fine.ends) for x in (made, known)))
    maps = [_phi_psi(x, mask, fine.ends) for x in (made, known)]
    same = drawn is true
    row["rama_jsd"] = divergence(*(halves(maps[0], maps[0].shape[0] // len(true)) if same else maps))
    return row


def _phi_psi(positions, mask, ends):
    phi, psi, _ = backbone_torsions(positions, mask, ends)
    known = np.isfinite(phi[0]) & np.isfinite(psi[0])
    return np.stack([phi[:, known], psi[:, known]], axis=-1).reshape(-1, 2)
