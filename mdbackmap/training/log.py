"""What a run leaves in its folder besides weights: `log.csv`, `log.json` and `curves.png`, rewritten each time."""

import csv
import fnmatch
import json
import logging
import math
from pathlib import Path

from ..files import replacing

logger = logging.getLogger(__name__)

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


def plot(rows, filename):
    """Curves of the log as a PNG; without matplotlib, nothing but a message."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        logger.info("matplotlib is not installed: no %s", filename)
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    panels = {title: [x for name in names for x in fnmatch.filter(columns, name)] for title, names in _PANELS.items()}
    panels = {title: names for title, names in panels.items() if names}
    figure = Figure(figsize=(4.5 * max(1, len(panels)), 3.6), layout="constrained")
    for axes, (title, names) in zip(
        figure.subplots(1, max(1, len(panels)), squeeze=False)[0], panels.items(), strict=False
    ):
        for name in names:
            points = [(row["epoch"], row[name]) for row in rows if name in row]
            axes.plot(*zip(*points, strict=True), marker=".", label=name)
        axes.set(title=title, xlabel="epoch")
        axes.legend(fontsize="x-small")
    with replacing(filename) as aside:
        figure.savefig(aside, format="png", dpi=110)
