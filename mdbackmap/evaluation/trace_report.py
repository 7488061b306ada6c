"""
Coarse trajectories judged under the prior over traces: which frames and residues a protein could have.

Shapes: F frames, R residues. Numbers are in nats; `mdbackmap.traces.scores` says what they mean.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..data.known import spread
from ..models.denoiser import bundled
from ..traces.scores import CRYSTALS, UNLIKELY, TraceScores, score_traces

_BATCH = 20_000  # residues scored at a time


@dataclass(frozen=True, eq=False)
class TraceReport:
    """
    A coarse trajectory, judged.

    Attributes
    ----------
    name : str
    labels : ndarray of str, shape (R,)
    frames : ndarray of int, shape (F,)
    trace, backbone : ndarray of float, shape (F, R)
        In nats, NaN where a residue has no such number.
    scatter : ndarray of float, shape (F,)
        RMS deviation, in angstrom, of distances between neighbouring C-alphas from their mean.
    noise : ndarray of float, shape (F,)
        RMS in angstrom of how far a denoiser would move the beads.
    hand : float
        Nats a residue by which the trace is likelier than its mirror image.
    mirrored, protein_like : bool
    """

    name: str
    labels: np.ndarray
    frames: np.ndarray
    trace: np.ndarray
    backbone: np.ndarray
    scatter: np.ndarray
    noise: np.ndarray
    hand: float
    mirrored: bool
    protein_like: bool

    @property
    def by_frame(self):
        """Means over residues (F,), the percentage of residues that proteins do not have, scatter and noise."""
        return self._means(1) | {"scatter": self.scatter, "noise": self.noise}

    @property
    def by_residue(self):
        """Means over frames (R,), and the percentage of frames in which proteins do not have a residue so."""
        return self._means(0)

    def _means(self, axis):
        unlikely = 100 * (self.backbone > UNLIKELY).sum(axis) / np.isfinite(self.backbone).sum(axis).clip(1)
        return {"trace": _mean(self.trace, axis), "backbone": _mean(self.backbone, axis), "unlikely": unlikely}

    def content(self):
        """Plain values for a JSON file."""
        flags = {"hand": self.hand, "mirrored": self.mirrored, "protein_like": self.protein_like}
        mean = {name: float(np.nanmean(values)) for name, values in self.by_frame.items()}
        residues = {"labels": self.labels.tolist(), **self.by_residue}
        return {
            "name": self.name, "crystals": CRYSTALS, "mean": mean, **flags,
            "by_frame": {"frame": self.frames, **self.by_frame}, "by_residue": residues,
        }  # fmt: skip


def judge_trace(name, coarse, beads, frames=None):
    """
    Judge a coarse trajectory.

    Parameters
    ----------
    name : str
    coarse : Topology
        C-alpha trace.
    beads : ndarray of float, shape (F, R, 3)
        In angstrom, chains whole.
    frames : sequence of int, optional
        Their numbers.

    Returns
    -------
    TraceReport

    Examples
    --------
    >>> from mdbackmap.datafiles import VALIDATION
    >>> from mdbackmap.data.known import read_chains
    >>> chain = read_chains(VALIDATION, limit=1)[0]
    >>> judge_trace(chain.name, chain.trace(), chain.beads).protein_like
    True
    """
    few = max(1, _BATCH // beads.shape[1])
    with torch.inference_mode():
        parts = [score_traces(coarse, beads[k : k + few], bundled().noise) for k in range(0, len(beads), few)]
    judged = TraceScores.together(parts)
    labels = np.array([coarse.label(k) for k in range(coarse.n_residues)])
    numbers = np.arange(len(beads)) if frames is None else np.asarray(frames)
    scores = (getattr(judged, score).numpy() for score in ("trace", "backbone", "scatter", "noise"))
    return TraceReport(name, labels, numbers, *scores, judged.hand, judged.mirrored, judged.protein_like)


def draw(report):
    """
    Backbone energies of every residue in every frame, and means by frame and by residue beside those of crystals.

    Parameters
    ----------
    report : TraceReport

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 6.6), layout="constrained")
    (corner, top), (left, middle) = figure.subplots(
        2, 2, width_ratios=(1, 3.4), height_ratios=(1, 2.6), sharex="col", sharey="row"
    )
    image = middle.imshow(report.backbone, aspect="auto", cmap="magma_r", vmin=0, vmax=12, interpolation="nearest")
    figure.colorbar(image, ax=middle, label="backbone, nats")
    middle.set_xlabel("residue, counted from 0")
    numbers = np.arange(len(report.labels))
    top.plot(numbers, report.by_residue["backbone"], color="#2f6690", lw=1.2)
    top.axhspan(CRYSTALS["backbone"][0], CRYSTALS["backbone"][2], color="#81c3a2", alpha=0.4, lw=0)
    top.set_ylabel("nats")
    top.tick_params(labelleft=True)
    top.set_title(
        f"{Path(report.name).name}: best backbone on the beads; green: means over crystal chains", fontsize=10
    )
    rows = np.arange(len(report.frames))
    left.plot(report.by_frame["backbone"], rows, color="#2f6690", lw=1.2, label="backbone")
    left.plot(report.by_frame["trace"], rows, color="#d1495b", lw=1.0, label="trace")
    left.axvspan(CRYSTALS["backbone"][0], CRYSTALS["backbone"][2], color="#81c3a2", alpha=0.4, lw=0)
    left.axvspan(CRYSTALS["trace"][0], CRYSTALS["trace"][2], color="#d1495b", alpha=0.15, lw=0)
    left.set(xlabel="nats a residue", ylabel="frame")
    shown = spread(len(rows), 8)
    left.set_yticks(shown, [str(report.frames[k]) for k in shown])
    left.legend(fontsize=8, loc="best")
    corner.remove()
    return figure


def save_plot(report, folder):
    """
    Write the picture into a folder, which is made if there is none.

    Returns
    -------
    Path
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{Path(report.name).stem}-trace.png"
    draw(report).savefig(file, dpi=110)
    return file


def _mean(values, axis):
    """Means without NaN; NaN where there is nothing."""
    known = np.isfinite(values)
    count = known.sum(axis)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis) / count.clip(1), np.nan)
