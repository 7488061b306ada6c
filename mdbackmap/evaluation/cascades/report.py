"""Judgements of cascades and of single steps as a table and as one picture over the number of beads."""

import numpy as np

from ...metrics.table import aligned, known_labels, number, read_labels

LABELS = read_labels("cascades")
"""Words and decimals of every metric, in the order of tables."""

PANELS = ("rmsd", "rmsd_ca", "ged", "clashscore", "rama_favoured", "ss", "ss_ca", "memory_mb")
_LOGARITHMIC = ("ged", "clashscore", "memory_mb")


def table(judgements, reference="MD"):
    """
    Metrics as lines of text, one model a column, the true frames first.

    Parameters
    ----------
    judgements : dict of str to ModelJudgement
        By name.
    reference : str
        What to call the true frames.

    Returns
    -------
    str
    """
    first = next(iter(judgements.values()))
    columns = {reference: first.reference} | {name: judgement.mean for name, judgement in judgements.items()}
    rows = [["", *(f"{name:>10}" for name in columns)]]
    for key, (words, decimals) in known_labels(LABELS, columns):
        rows.append([words, *(number(column.get(key, np.nan), decimals) for column in columns.values())])
    return "\n".join(aligned(rows, gap="  "))


def bounds_table(judgements):
    """The terms of the evidence lower bound as lines of text, a step a line."""
    lines = [f"{'model':<24}{'step':<10}{'to':<10}{'measure':<10}{'dims':>6}{'log p':>11}{'KL':>10}{'ELBO':>11}"]
    for name, judgement in judgements.items():
        for row in judgement.bounds:
            numbers = "{dimensions:>6.0f}{log_density:>11.1f}{kl:>10.1f}{elbo:>11.1f}".format(**row)
            lines.append(f"{name:<24}{row['family']:<10}{row['level']:<10}{row['measure']:<10}{numbers}")
        if not any(row["family"] == "whole" for row in judgement.bounds):
            mixed = " and ".join(dict.fromkeys(row["measure"] for row in judgement.bounds))
            lines.append(f"{name:<24}whole     no bound: densities per {mixed} have no sum")
    return "\n".join(lines)


def picture(judgements, title=""):
    """
    Metrics over the number of beads, a line for each number of steps.

    Parameters
    ----------
    judgements : dict of str to ModelJudgement
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    shown = [key for key in PANELS if any(key in judgement.mean for judgement in judgements.values())]
    columns = -(-len(shown) // 2) if len(shown) > 3 else len(shown)
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(3.4 * columns, 3.0 * rows + 0.5), layout="constrained")
    for axes, key in zip(figure.subplots(rows, columns, squeeze=False).flat, shown, strict=False):
        _panel(axes, key, list(judgements.values()))
    named = {label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=4, frameon=False)
    for axes in figure.axes[len(shown) :]:
        axes.remove()
    if title:
        figure.suptitle(title)
    return figure


def _panel(axes, key, judgements):
    """One metric: a colour for each number of steps, dashes for temperature 0, dots for the true frames."""
    kinds = sorted({(judgement.kind, judgement.temperature) for judgement in judgements})
    for kind, temperature in kinds:
        some = [x for x in judgements if (x.kind, x.temperature) == (kind, temperature) and key in x.mean]
        points = sorted((x.n_beads, x.mean[key]) for x in some) or [(np.nan, np.nan)]
        style = {"color": f"C{list(dict(kinds)).index(kind)}", "ls": "-" if temperature else "--", "marker": "o"}
        axes.plot(*zip(*points, strict=True), label=f"{kind}, T = {temperature:g}", **style)
    true = judgements[0].reference.get(key)
    logarithmic = key in _LOGARITHMIC and all(x.mean.get(key, 1) > 0 for x in judgements)
    if true is not None and key in ("clashscore", "rama_favoured") and (true > 0 or not logarithmic):
        axes.axhline(true, color="grey", linestyle=":", label="MD")
    axes.set(xlabel="beads", ylabel=LABELS[key][0], yscale="log" if logarithmic else "linear")
