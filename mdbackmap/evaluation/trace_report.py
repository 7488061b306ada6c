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
from .plots import new_figure, save_figure

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
    scores : TraceScores
        Of all frames.
    """

    name: str
    labels: np.ndarray
    frames: np.ndarray
    scores: TraceScores

    @property
    def by_frame(self):
        """Means over residues (F,), the percentage of residues that proteins do not have, scatter and noise."""
        return self._means(1) | {name: getattr(self.scores, name).numpy() for name in ("scatter", "noise")}

    @property
    def by_residue(self):
        """Means over frames (R,), and the percentage of frames in which proteins do not have a residue so."""
        return self._means(0)

    def _means(self, axis):
        scores = {"trace": self.scores.trace.numpy(), "backbone": self.scores.backbone.numpy()}
        unlikely = 100 * (scores["backbone"] > UNLIKELY).sum(axis) / np.isfinite(scores["backbone"]).sum(axis).clip(1)
        means = {name: np.ma.masked_invalid(x).mean(axis).filled(np.nan) for name, x in scores.items()}
        return means | {"unlikely": unlikely}

    def content(self):
        """Plain values for a JSON file."""
        flags = {name: getattr(self.scores, name) for name in ("hand", "mirrored", "protein_like")}
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
    >>> judge_trace(chain.name, chain.trace(), chain.beads).scores.protein_like
    True
    """
    few = max(1, _BATCH // beads.shape[1])
    with torch.inference_mode():
        parts = [score_traces(coarse, beads[k : k + few], bundled().noise) for k in range(0, len(beads), few)]
    labels = np.array([coarse.label(k) for k in range(coarse.n_residues)])
    numbers = np.arange(len(beads)) if frames is None else np.asarray(frames)
    return TraceReport(name, labels, numbers, TraceScores.together(parts))


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
    figure = new_figure((10.5, 6.6))
    (corner, top), (left, middle) = figure.subplots(
        2, 2, width_ratios=(1, 3.4), height_ratios=(1, 2.6), sharex="col", sharey="row"
    )
    backbone = report.scores.backbone.numpy()
    image = middle.imshow(backbone, aspect="auto", cmap="magma_r", vmin=0, vmax=12, interpolation="nearest")
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
    return save_figure(draw(report), folder, f"{Path(report.name).stem}-trace.png")
