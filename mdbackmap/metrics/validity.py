"""
Validity: what is wrong with each structure and each of its residues, and which structures do not keep the limits.

`Validity` is the report on what `protein_judge` says of the structures of one molecule.

Shapes: F structures, R residues, M scores (`protein_judge.SCORES`), K kinds of faults (`faults.FAULTS`).
"""

import numpy as np

from ..files import plain, save_json
from .comparison import mean
from .faults import FAULTS, worst_residues
from .hydrogens import CONVENTIONS
from .limits import LIMITS, beyond
from .protein_judge import SCORES
from .table import LABELS, aligned, number

_SHOWN = 10  # structures and residues named in a table; chosen: by hand


class Validity:
    """
    The report on the structures of one molecule.

    Parameters
    ----------
    judged : Judged
        Of F structures.
    labels : sequence of str, length R
        Of the residues.
    frames, samples : ndarray of int, shape (F,)
        Which frame and which sample each structure is of.
    name : str, optional

    Attributes
    ----------
    scores : dict of str to ndarray of float, shape (F,)
        Of each structure, by names of `SCORES`: percent, clashes per 1000 atoms, rings.
    faults : dict of str to ndarray of uint8, shape (F, R)
        How many faults of each kind (`faults.FAULTS`) each residue has.
    mean : dict of str to float
        Of the scores, over structures.
    hydrogens : str
        "" without hydrogens; else the convention of their lengths. They are judged at those of electron clouds.
    """

    def __init__(self, judged, labels, frames, samples, name=""):
        self.name, self.labels = name, np.asarray(labels)
        self.frames, self.samples = np.asarray(frames), np.asarray(samples)
        self.scores = dict(zip(SCORES, judged.scores.T, strict=True))
        self.faults = dict(zip(FAULTS, np.moveaxis(judged.counts, 1, 0), strict=True))
        there = np.isfinite(self.scores["clashscore_all"]).any()
        self.hydrogens = CONVENTIONS[int(judged.nuclear.any())] if there else ""
        if not there:
            del self.scores["clashscore_all"]
        self.mean = {key: float(mean(x[np.isfinite(x)])) for key, x in self.scores.items()}
        self._rows = judged.rows()

    def __len__(self):
        return len(self.frames)

    def __repr__(self):
        bad = len(self.beyond_limits())
        return f"<Validity: {len(self)} structures of {len(self.labels)} residues, {bad} beyond limits>"

    def beyond_limits(self):
        """
        Structures that do not keep the limits (`limits.LIMITS`).

        Returns
        -------
        list of (int, int, list of str)
            Frame, sample, and what is beyond its limit, in words.
        """
        found = zip(self.frames.tolist(), self.samples.tolist(), map(beyond, self._rows), strict=True)
        return [row for row in found if row[2]]

    def worst(self, n=_SHOWN):
        """
        Residues with most faults.

        Returns
        -------
        list of (str, float, dict of str to float)
            Label, faults a structure, and the same by kind; the worst first, none without faults.
        """
        return [(str(self.labels[k]), total, kinds) for k, total, kinds in worst_residues(self.faults, n)]

    def table(self) -> str:
        """
        Means and extremes beside the limits, structures beyond them, and the worst residues, as text.

        Returns
        -------
        str
        """
        lines = aligned([["", "mean", "worst", "limit"], *(self._line(key) for key in self.scores)])
        lines += self.verdict_lines()
        for label, total, kinds in self.worst():
            what = ", ".join(f"{FAULTS[k]} x {x:.3g}" for k, x in sorted(kinds.items(), key=lambda pair: -pair[1]))
            lines.append(f"  {label}: {total:.3g} faults a structure: {what}")
        return "\n".join(lines)

    def verdict_lines(self) -> list[str]:
        """Which clashes were counted, and the structures beyond the limits, as lines of text."""
        bad = self.beyond_limits()
        lines = [self.convention, f"beyond limits: {len(bad)} of {len(self)} structures"]
        several = bool(np.any(self.samples))
        for frame, sample, what in bad[:_SHOWN]:
            lines.append(f"  frame {frame}{f', sample {sample}' if several else ''}: {'; '.join(what)}")
        return lines + ([f"  and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else [])

    @property
    def convention(self) -> str:
        """Which atoms clashes are of, and at which lengths of hydrogens, as a sentence."""
        if not self.hydrogens:
            return "clashes: heavy atoms; there are no hydrogens"
        lengths = "" if self.hydrogens == CONVENTIONS[0] else f"; hydrogens lie at {self.hydrogens} ones"
        return f"clashes: all atoms, at {CONVENTIONS[0]} lengths and radii as in MolProbity{lengths}"

    def _line(self, key):
        words, unit, decimals, better = LABELS[key]
        values = self.scores[key][np.isfinite(self.scores[key])]
        worst = (np.min if better == "more" else np.max)(values) if len(values) else np.nan
        limit = "at {} {:g}".format(*LIMITS[key]) if key in LIMITS else ""
        return [f"{words:<32} {unit}", number(self.mean[key], decimals), number(worst, decimals), limit]

    def verdict(self) -> dict:
        """Which clashes were counted, the limits, and what is beyond them, as plain values."""
        bad = [{"frame": f, "sample": s, "what": what} for f, s, what in self.beyond_limits()]
        limits = {key: f"at {side} {limit:g}" for key, (side, limit) in LIMITS.items()}
        return {"clashes": self.convention, "limits": limits, "beyond_limits": bad}

    def content(self) -> dict:
        """Plain values for a JSON file."""
        kinds = {name: counts.mean(0) for name, counts in self.faults.items()} if len(self) else {}
        by_frame = {name: counts.sum(1) for name, counts in self.faults.items()}
        return plain(
            {
                "name": self.name,
                **self.verdict(),
                "mean": self.mean,
                "by_structure": {"frame": self.frames, "sample": self.samples, **self.scores, "faults": by_frame},
                "by_residue": {"labels": self.labels, "faults": kinds},
            }
        )

    def to_json(self, filename):
        """
        Write all of it but the faults of single residues in single structures (`faults` has those).

        Parameters
        ----------
        filename : str or Path
        """
        save_json(self.content(), filename)

    def plot(self, filename=None):
        """
        Draw it: scores and faults by structure, faults by residue.

        Parameters
        ----------
        filename : str or Path, optional
            Of a picture.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from .validity_plot import validity_figure

        figure = validity_figure(self)
        if filename is not None:
            figure.savefig(filename, dpi=110)
        return figure
