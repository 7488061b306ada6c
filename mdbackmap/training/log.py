"""What a run leaves in its folder besides weights: `log.csv`, `log.json` and `curves.png`, rewritten each time."""

import csv
import fnmatch
import json
import logging
import math
from pathlib import Path

from ..files import replacing

logger = logging.getLogger(__name__)

PICTURES = (".png", ".pdf", ".svg")
"""Endings of files that curves are drawn into."""
_DOTS = 40  # points of a curve from which on they are not marked; chosen: by hand
_PANELS = {
    "nats per residue": ("torsion", "kl", "valid_torsion", "valid_kl", "valid_nats"),
    "parts of the likelihood": ("peptide", "chis"),
    "terms of the atoms": ("bond", "angle", "positions", "graph", "clash", "valid_positions", "valid_graph"),
    "RMSD of samples (angstrom)": ("T*_rmsd", "T*_rmsd_backbone", "sample_rmsd", "sample_rmsd_heavy"),
    "graph difference of samples": ("sample_ged", "sample_ged_heavy"),
    "chi1, Ramachandran favoured (%)": ("T*_chi1", "T*_chi12", "T*_rama_favoured"),
    "clashscore; Ramachandran outliers (%)": ("T*_clashscore", "T*_rama_outliers"),
}


def write(folder, rows):
    """
    Write the log and its curves; each file appears only when it is complete.

    Parameters
    ----------
    folder : path-like
    rows : list of dict of str to float
        One an epoch; a number that was not measured is missing or NaN.
    """
    folder = Path(folder)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(folder / "log.csv") as aside, open(aside, "w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=columns)
        writer.writeheader()
        writer.writerows(rows)
    with replacing(folder / "log.json") as aside:
        finite = [{name: value if math.isfinite(value) else None for name, value in row.items()} for row in rows]
        aside.write_text(json.dumps(finite, indent=1))
    plot(rows, folder / "curves.png")


def make_folder(name):
    """
    The folder of a run, made if there is none.

    Raises
    ------
    NotADirectoryError
        A file has its name, or that of a folder that it should be in.
    """
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next(path for path in (folder, *folder.parents) if path.exists() and not path.is_dir())
        raise NotADirectoryError(
            f'folder = "{name}" in [training]: {file} is a file, expected a folder; give another name'
        ) from error
    return folder


def read_log(folder):
    """
    The log of a run.

    Parameters
    ----------
    folder : path-like
        Of the run, or its ``log.csv``.

    Returns
    -------
    list of dict of str to float
        One an epoch; numbers that were not measured are left out.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    file = Path(folder)
    file = file if file.is_file() else file / "log.csv"
    if not file.exists():
        raise FileNotFoundError(f"no {file}: expected the folder of a run, which has a log after its first epoch")
    with open(file, newline="") as stream:
        rows = [{name: float(x) for name, x in row.items() if x} for row in csv.DictReader(stream)]
    return [{name: x for name, x in row.items() if math.isfinite(x)} for row in rows]


def plot(rows, filename):
    """Curves of the log as a PNG; without matplotlib, nothing but a message."""
    try:
        save_curves(rows, filename)
    except ImportError:
        logger.info("matplotlib is not installed: no %s", filename)


def save_curves(log, filename):
    """
    Draw `training_curves` into a file, which appears when it is complete.

    Parameters
    ----------
    log : list of dict, or path-like
        Rows of `read_log`, or the folder of a run.
    filename : path-like
        Ends in one of `PICTURES`.
    """
    figure = training_curves(log)
    with replacing(filename) as aside:
        figure.savefig(aside, format=Path(filename).suffix[1:].lower(), dpi=110)


def training_curves(log):
    """
    Curves of a training run: terms of the loss, and how good samples are, by epoch.

    Parameters
    ----------
    log : list of dict, or path-like
        Rows of `read_log`, or the folder of a run.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> log = [{"epoch": 1, "torsion": 2.0, "kl": 1.0}, {"epoch": 2, "torsion": 1.5, "kl": 0.9}]
    >>> figure = training_curves(log)
    >>> [axes.get_title() for axes in figure.axes]
    ['nats per residue']
    """
    from matplotlib.figure import Figure

    rows = log if isinstance(log, list) else read_log(log)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    panels = {title: [x for name in names for x in fnmatch.filter(columns, name)] for title, names in _PANELS.items()}
    panels = {title: names for title, names in panels.items() if names}
    n_columns = min(3, max(1, len(panels)))
    n_rows = -(-max(1, len(panels)) // n_columns)
    figure = Figure(figsize=(4.4 * n_columns, 3.4 * n_rows), layout="constrained")
    every = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for axes in every[max(1, len(panels)) :]:
        axes.remove()
    if not panels:
        every[0].text(0.5, 0.5, "the log has no terms of a loss yet", ha="center", va="center")
        every[0].set(xticks=[], yticks=[])
    for axes, (title, names) in zip(every, panels.items(), strict=False):
        for name in names:
            points = [(row["epoch"], row[name]) for row in rows if name in row]
            style = "--" if name.startswith("valid_") else "-"
            axes.plot(*zip(*points, strict=True), style, marker="." if len(points) < _DOTS else "", label=name)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
        axes.legend(fontsize="x-small", frameon=False)
    return figure
