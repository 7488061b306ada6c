"""
Draw the figures of docs/how-it-works.md from the bundled files: `python docs/figures.py [FOLDER]`.

The crystal chain is 1VFY (1.15 A), one of the validation chains that no network was trained on.
"""

import json
import sys
from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import MDAnalysis as mda
import numpy as np
from MDAnalysis.lib.distances import calc_angles, calc_dihedrals

import mdbackmap as mdb
from mdbackmap.chemistry.residues import BONDS, CHIS, NAME_OF_LETTER
from mdbackmap.datafiles import CALVADOS_PDB, CALVADOS_XTC, VALIDATION

ENTRY = b"1VFY"
N_SAMPLES = 100
GREY, BLUE, ORANGE = "0.6", "tab:blue", "tab:orange"
plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})


def crystal():
    """Names of residues of the chain, and {(residue, atom): position in angstrom}."""
    with h5py.File(VALIDATION) as pack:
        which = int(np.flatnonzero(pack["chain/pdb_id"][:] == ENTRY)[0])
        part = slice(*pack["chain/offset"][which : which + 2])
        names = [NAME_OF_LETTER[pack.attrs["alphabet"][kind]] for kind in pack["residue/seq"][part]]
        slots, step = json.loads(pack.attrs["atom14"]), float(pack.attrs["step"])
        cas, relative = pack["residue/ca"][part] * step, pack["residue/rel"][part] * step
    atoms = {
        (residue, atom): cas[residue] + relative[residue, slot]
        for residue, name in enumerate(names)
        for slot, atom in enumerate(slots[name])
    }
    return names, atoms


def bound(names, cas):
    """A model bound to C-alphas."""
    cg = mda.Universe.empty(len(names), len(names), atom_resindex=range(len(names)), trajectory=True)
    cg.add_TopologyAttr("names", ["CA"] * len(names))
    cg.add_TopologyAttr("resnames", names)
    cg.add_TopologyAttr("resids", range(1, len(names) + 1))
    cg.atoms.positions = cas
    return mdb.load_model("genzprot", cg.atoms, hydrogens=False)


def torsion(positions):
    """Degrees, of four positions, shape (..., 4, 3)."""
    return np.degrees(calc_dihedrals(*np.moveaxis(np.asarray(positions, np.float32), -2, 0)))


def peptide(atoms, path):
    """One peptide turned about the axis of its C-alphas: all that two C-alphas leave open."""
    at = 20
    kept = {name: atoms[at + after, name] for name, after in (("CA", 0), ("C", 0), ("O", 0), ("N", 1))} | {
        "next": atoms[at + 1, "CA"]
    }
    axis = (kept["next"] - kept["CA"]) / np.linalg.norm(kept["next"] - kept["CA"])
    side = np.cross(axis, kept["O"] - kept["CA"])
    side /= np.linalg.norm(side)
    plane = np.stack([axis, np.cross(axis, side) * -1])

    def flat(point):
        return (point - kept["CA"]) @ plane.T

    def turned(point, angle):
        along = axis * ((point - kept["CA"]) @ axis)
        arm = point - kept["CA"] - along
        return kept["CA"] + along + arm * np.cos(angle) + np.cross(axis, arm) * np.sin(angle)

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.8), width_ratios=(1.4, 1))
    for angle in np.radians(np.arange(0, 360, 30)):
        chain = [flat(turned(kept[name], angle)) for name in ("CA", "C", "N", "next")]
        oxygen = flat(turned(kept["O"], angle))
        strong = angle == 0
        look = dict(color="black" if strong else GREY, lw=2 if strong else 0.8, zorder=3 if strong else 1)
        left.plot(*np.transpose(chain), **look)
        left.plot(*np.transpose([chain[1], oxygen]), **{**look, "color": "tab:red" if strong else "#e8b0b0"})
    for number in (-1, 0, 1, 2):
        left.plot(*flat(atoms[at + number, "CA"]), "o", color=BLUE, ms=11, zorder=4)
    trace = [flat(atoms[at + number, "CA"]) for number in (-1, 0, 1, 2)]
    left.plot(*np.transpose(trace), color=BLUE, lw=1, ls=":", zorder=0)
    left.set_aspect("equal")
    left.axis("off")
    left.set_title("one peptide, turned about its two C-alphas (blue)\nblack: as in the crystal; O red")
    _peptide_angles(atoms, right)
    figure.savefig(path, bbox_inches="tight")


def _peptide_angles(atoms, axes):
    n = max(residue for residue, _ in atoms) + 1
    quartets = [[atoms[i - 1, "CA"], atoms[i, "CA"], atoms[i + 1, "CA"], atoms[i, "O"]] for i in range(1, n - 1)]
    before, here, after, oxygen = np.moveaxis(np.array(quartets), 1, 0)
    angle = torsion(np.stack([before, here, after, oxygen], axis=1))
    axes.hist(angle, bins=np.arange(-180, 181, 20), color="tab:red", alpha=0.7)
    axes.set(xlabel="angle of O about the axis (degrees)", ylabel="peptides", xticks=(-180, -90, 0, 90, 180))
    axes.set_title("in the crystal: few values,\nwhich the trace hints at")


def torsions(names, atoms, model, sampled, path):
    """Chi1 of four residues in many samples of the same C-alphas."""
    chosen = _by_width(names, model, sampled)
    figure, panels = plt.subplots(1, 4, figsize=(9, 2.2), sharey=True)
    bins = np.arange(-180, 181, 15)
    for axes, residue in zip(panels, chosen, strict=True):
        quartet = CHIS[names[residue]][0]
        axes.hist(_chi(model, sampled, residue, quartet), bins=bins, density=True, color=BLUE, alpha=0.7)
        true = torsion(np.array([atoms[residue, atom] for atom in quartet])[None])[0]
        axes.axvline(true, color="black", lw=1.5)
        axes.set(
            title=f"{names[residue]} {residue + 1}", xticks=(-180, -60, 60, 180), yticks=[], xlabel="chi1 (degrees)"
        )
    panels[0].set_ylabel("density")
    figure.savefig(path, bbox_inches="tight")


def _chi(model, sampled, residue, quartet):
    return torsion(np.stack([sampled[:, _index(model, residue, atom)] for atom in quartet], axis=1))


def _index(model, residue, atom):
    fine = model.topology
    return int(np.flatnonzero((fine.residue_of_atom == residue) & (fine.names == atom))[0])


def _by_width(names, model, sampled):
    """Two residues whose chi1 is decided, and two where it is not, of different types."""
    widths = {}
    for residue, name in enumerate(names):
        if CHIS[name] and name != "PRO":
            chis = np.radians(_chi(model, sampled, residue, CHIS[name][0]))
            widths[residue] = np.hypot(np.cos(chis).mean(), np.sin(chis).mean())
    order = sorted(widths, key=widths.get)
    taken = []
    for residue in [order[-1], *order[-2::-1]]:
        if names[residue] not in {names[other] for other in taken} and len(taken) < 2:
            taken.append(residue)
    for residue in order:
        if names[residue] not in {names[other] for other in taken} and len(taken) < 4:
            taken.append(residue)
    return taken


def side_chains(names, atoms, model, sampled, best, path):
    """Samples, choice at temperature 0 and crystal, of a buried and an exposed side chain."""
    cas = np.array([atoms[residue, "CA"] for residue in range(len(names))])
    crowd = (np.linalg.norm(cas[:, None] - cas, axis=-1) < 10).sum(axis=1)  # chosen: by hand, angstrom
    buried = max(
        (r for r, name in enumerate(names) if name in ("LEU", "PHE", "ILE", "TRP", "TYR")), key=crowd.__getitem__
    )
    exposed = min((r for r, name in enumerate(names) if name in ("LYS", "ARG", "GLU")), key=crowd.__getitem__)
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.4))
    for axes, residue, where in zip(panels, (buried, exposed), ("buried", "exposed"), strict=True):
        true = {atom: atoms[residue, atom] for other, atom in atoms if other == residue}
        points = np.array(list(true.values()))
        plane = np.linalg.svd(points - points.mean(axis=0))[2][:2]
        for frame in sampled[:30]:
            _sticks(axes, names[residue], _own(model, frame, residue, true), plane, color=GREY, lw=0.7)
        _sticks(axes, names[residue], _own(model, best, residue, true), plane, color=ORANGE, lw=2.5)
        _sticks(axes, names[residue], true, plane, color="black", lw=1.5)
        axes.set_aspect("equal")
        axes.axis("off")
        axes.set_title(f"{names[residue]} {residue + 1}, {where}")
    figure.legend(
        [plt.Line2D([], [], color=colour) for colour in (GREY, ORANGE, "black")],
        ["30 samples (T = 1)", "T = 0", "crystal"],
        loc="lower center",
        ncols=3,
        frameon=False,
    )
    figure.savefig(path, bbox_inches="tight")


def _own(model, frame, residue, true):
    return {atom: frame[_index(model, residue, atom)] for atom in true}


def _sticks(axes, name, atoms, plane, **look):
    for one, other in BONDS[name]:
        if one in atoms and other in atoms:
            axes.plot(*((np.array([atoms[one], atoms[other]])) @ plane.T).T, solid_capstyle="round", **look)


def relaxation(names, atoms, path):
    """C-alpha angles of a CALVADOS chain before and after relaxation, and how far beads moved at each angle."""
    cg = mda.Universe(CALVADOS_PDB, CALVADOS_XTC)
    frames = np.array([cg.atoms.positions.copy() for _ in cg.trajectory[:10]])
    model = mdb.load_model("genzprot", cg.atoms, hydrogens=False)
    relaxed = model.mapping.project(model.sample(frames, range(len(frames))))
    native = np.array([atoms[residue, "CA"] for residue in range(len(names))])[None]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8))
    bins = np.arange(60, 181, 6)
    for traces, label, colour in ((native, "a crystal", GREY), (frames, "beads", BLUE), (relaxed, "relaxed", ORANGE)):
        corners = np.float32(np.stack([traces[:, :-2], traces[:, 1:-1], traces[:, 2:]]).reshape(3, -1, 3))
        fill = dict(histtype="stepfilled", alpha=0.5) if label == "a crystal" else dict(histtype="step", lw=2)
        left.hist(np.degrees(calc_angles(*corners)), bins=bins, density=True, label=label, color=colour, **fill)
    left.set(xlabel="angle of three C-alphas (degrees)", ylabel="density", yticks=[])
    left.legend(frameon=False)
    corners = np.float32(np.stack([frames[:, :-2], frames[:, 1:-1], frames[:, 2:]]).reshape(3, -1, 3))
    angle = np.degrees(calc_angles(*corners))
    moved = np.linalg.norm(relaxed - frames, axis=-1)[:, 1:-1].ravel()
    edges = np.arange(75, 181, 15)
    quartiles = [np.percentile(moved[(angle >= low) & (angle < low + 15)], (25, 50, 75)) for low in edges[:-1]]
    low, median, high = np.transpose(quartiles)
    right.errorbar(edges[:-1] + 7.5, median, (median - low, high - median), color=ORANGE, marker="o", capsize=3)
    right.set(xlabel="angle before (degrees)", ylabel="bead moved by (A)", ylim=(0, None), title="median and quartiles")
    figure.savefig(path, bbox_inches="tight")


def main(folder):
    """Draw all of them."""
    names, atoms = crystal()
    cas = np.array([atoms[residue, "CA"] for residue in range(len(names))])
    model = bound(names, cas)
    sampled = model.sample(np.repeat(cas[None], N_SAMPLES, axis=0), [0] * N_SAMPLES, samples=range(N_SAMPLES))
    best = model.sample(cas[None], [0], temperature=0)[0]
    peptide(atoms, folder / "how-peptide.png")
    torsions(names, atoms, model, sampled, folder / "how-torsions.png")
    side_chains(names, atoms, model, sampled, best, folder / "how-side-chains.png")
    relaxation(names, atoms, folder / "how-relaxation.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
