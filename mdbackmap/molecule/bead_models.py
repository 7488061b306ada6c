"""
Bead models of proteins as a table: which atoms of a residue a bead stands for, and with which shares.

Shapes: A atoms, N beads, R residues, w triples of bead, atom and weight.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..chemistry import residues
from ..chemistry.variants import ALIASES
from .attributes import run_ends
from .bonds import bonds_of_parts
from .shares import triples_of
from .topology import Topology

EVERY = "all"
"""In place of the names of hydrogens that count in a bead: all that are bonded to its atoms' residue."""

_FORMAT = (
    '{"models": {"NAME": {"anchor": "BB", "weights": "mass", "residues": {"GLY": {"BB": {"N": 1.0, "CA": 1.0}}}}}}'
)


@dataclass(frozen=True, eq=False)
class BeadModel:
    """
    Where the beads of a coarse-grained model of proteins lie.

    Parameters
    ----------
    name : str
    anchor : str
        The bead that every residue has, near its C-alpha.
    residues : dict
        Residue names -> beads in their order -> atoms -> share of the atom that belongs to the bead. A variant (HID)
        may have beads of its own.
    by_mass : bool
        Atoms count by share and mass, else by share alone.
    others : tuple of str
        Beads that are no atoms, such as virtual sites.
    end_atoms : dict
        Atoms that only the end of a chain has (OXT) -> the bead that they count in.
    hydrogens : dict or "all"
        Residue names -> beads -> hydrogens that count in them where a structure has these; "all": every hydrogen of a
        residue, in the bead that `end_atoms` names.
    lengths : dict
        Residue names -> "BB-SC1" -> four numbers in angstrom: mean and standard deviation of the distance of the two
        beads in simulations with the force field, then those between the weighted means of the atoms of crystals.

    Raises
    ------
    ValueError
        A residue without the anchor, an atom that it does not have, a share that is no number or 0, or shares of a bead
        whose sum is not above 0.

    Examples
    --------
    >>> one = Topology(["CA"], [""], [0], ["ALA"], [1], [""], ["A"], [""])
    >>> CA.topology(one)
    Topology(1 atoms, 1 residues, 1 stretch: A 1)
    """

    name: str
    anchor: str
    residues: dict
    by_mass: bool = True
    others: tuple = ()
    end_atoms: dict = field(default_factory=dict)
    hydrogens: dict | str = field(default_factory=dict)
    lengths: dict = field(default_factory=dict)

    def __post_init__(self):
        for name, beads in self.residues.items():
            if self.anchor not in beads:
                raise ValueError(f"bead model {self.name!r}: {name} has no bead {self.anchor}, its anchor")
            for bead, shares in beads.items():
                unknown = set(shares) - set(residues.ATOMS.get(ALIASES.get(name, name), shares))
                numbers = all(isinstance(x, int | float) and x for x in shares.values())
                if unknown or not numbers or not sum(shares.values()) > 0:
                    raise ValueError(
                        f"bead model {self.name!r}: bead {bead} of {name} is {shares}: expected heavy atoms of the "
                        "residue, each with a share other than 0, and a sum above 0"
                    )

    @property
    def exact(self) -> bool:
        """Whether every residue has a bead that is its C-alpha."""
        return all({"CA": 1.0} in beads.values() for beads in self.residues.values())

    def beads_of(self, topology, residue) -> dict:
        """
        Beads of a residue and the shares of their atoms.

        Raises
        ------
        ValueError
            A residue that is not in the table.
        """
        for name in (topology.variants[residue], topology.resnames[residue]):
            if name in self.residues:
                return self.residues[name]
        raise ValueError(f"{topology.label(residue)} has no beads in the bead model {self.name!r}")

    def topology(self, fine) -> Topology:
        """
        The beads of a molecule.

        Parameters
        ----------
        fine : Topology
            Its atoms.

        Returns
        -------
        Topology
            The same residues and all that is known of them; beads are bonded where their atoms are.
        """
        names = [list(self.beads_of(fine, r)) for r in range(fine.n_residues)]
        coarse = Topology(
            names=sum(names, []),
            elements=[""] * sum(map(len, names)),
            residue_of_atom=np.repeat(np.arange(fine.n_residues), [len(own) for own in names]),
            **fine.of_residues(slice(None)),
            disulfides=fine.disulfides,
        )
        return replace(coarse, bonds=bonds_of_parts(self.weigh(coarse, fine)[3], fine.bonds))

    def weigh(self, coarse, fine, carboxylates=None):
        """
        Which atoms count in which beads.

        Parameters
        ----------
        coarse, fine : Topology
            Beads, found by their residues and names, and atoms of the same residues.
        carboxylates : ndarray of bool, shape (R,), optional
            Residues whose OXT counts in a bead, if the model says so, although it is not among the atoms: it counts
            as `shares.OXT_OF` has it. By default none.

        Returns
        -------
        beads, atoms : ndarray of int64, shape (w,)
        weights : ndarray of float64, shape (w,)
            Those of a bead sum to 1; the CA of a residue among `carboxylates` may count less than 0.
        bead_of_atom : ndarray of int64, shape (A,)
            The bead with the largest share of an atom; the anchor for atoms in no bead.

        Raises
        ------
        ValueError
            A residue with other beads than those of the model.
        """
        bead_names, atom_names = coarse.names.tolist(), fine.names.tolist()
        masses = fine.masses.tolist() if self.by_mass else [1.0] * fine.n_atoms
        bead_at, atom_at = (np.searchsorted(x.residue_of_atom, np.arange(x.n_residues + 1)) for x in (coarse, fine))
        open_ends = np.zeros(fine.n_residues, dtype=bool) if carboxylates is None else np.asarray(carboxylates)
        patterns, found = {}, []  # residues with the same beads and atoms share one pattern
        for r in range(fine.n_residues):
            (b, c), (a, z) = bead_at[r : r + 2], atom_at[r : r + 2]
            own = self.beads_of(fine, r)
            key = (id(own), fine.resnames[r], open_ends[r], *bead_names[b:c], None, *atom_names[a:z], *masses[a:z])
            if key not in patterns:
                place = self._placed(coarse, r, bead_names[b:c], own)
                atoms = dict(zip(atom_names[a:z], masses[a:z], strict=True))
                shares = self._shares(own, fine.resnames[r], list(atoms), fine.elements[a:z].tolist(), open_ends[r])
                patterns[key] = triples_of(place, self.anchor, shares, atoms, fine.label(r))
            beads, atoms, weights, owner = patterns[key]
            found.append((beads + b, atoms + a, weights, owner + b))
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    def _shares(self, beads, resname, names, elements, open_end):
        """Beads of one residue -> shares of atoms, with its hydrogens, OXT, or what stands for it."""
        shares = {bead: dict(own) for bead, own in beads.items()}
        for atom, bead in self.end_atoms.items():
            if bead in shares and (open_end or atom in names):
                shares[bead][atom] = 1.0
        if self.hydrogens == EVERY:
            found = {bead: names for bead in self.end_atoms.values()}
        else:
            found = self.hydrogens.get(resname, {})
        for bead, own in found.items():
            there = (name for name, element in zip(names, elements, strict=True) if element == "H" and name in own)
            shares.get(bead, {}).update(dict.fromkeys(there, 1.0))
        return shares

    def _placed(self, coarse, residue, names, wanted):
        """Places of a residue's beads by the names of the model; a single bead may have any name."""
        there = {name: k for k, name in enumerate(names) if name not in self.others or name in wanted}
        if len(names) == len(wanted) == 1:
            return dict.fromkeys(wanted, 0)
        if sorted(there) != sorted(wanted) or len(set(names)) < len(names):
            raise ValueError(
                f"{coarse.label(residue)} has {len(names)} beads ({', '.join(names)}), expected {', '.join(wanted)}, "
                f"those of the bead model {self.name!r}"
            )
        return there


def read_bead_models(path) -> dict:
    """
    Bead models of a JSON file.

    Parameters
    ----------
    path : path-like
        A name for each model, with `anchor`, `weights` ("mass" or "equal"), `residues`, and, where there are any,
        `variants` of residues, `other_beads`, `end_atoms`, `hydrogens_if_present` and `lengths`, as in `BeadModel`
        (where the second number of a length is missing, the last one counts for it); what else a model has is not
        read.

    Returns
    -------
    dict
        `BeadModel` by name.

    Raises
    ------
    ValueError
        Another file, or a model that `BeadModel` refuses.
    """
    try:
        content = json.loads(Path(path).read_text())
        if wrong := next(_malformed(content), None):
            raise TypeError(wrong)
        return {name: _model(name, entry) for name, entry in content["models"].items()}
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not understood ({error}): expected bead models, {_FORMAT}") from None


def _malformed(content):
    """What of the content of a JSON file is not as bead models are, in words."""
    models = content.get("models") if isinstance(content, dict) else None
    if not isinstance(models, dict) or not models:
        yield "no models by name"
        return
    for name, entry in models.items():
        lacking = [key for key in ("anchor", "residues") if not isinstance(entry, dict) or key not in entry]
        yield from (f"model {name} has no {key}" for key in lacking)
        if lacking:
            continue
        if entry.get("weights", "mass") not in ("mass", "equal"):
            yield f"weights of model {name} are {entry['weights']!r}, expected mass or equal"
        table = entry["residues"]
        beads = list(table.items()) if isinstance(table, dict) else []
        if not beads or not all(isinstance(own, dict) for _, own in beads):
            yield f"residues of model {name} are no table of beads by residue name"
            continue
        odd = [f"{bead} of {resname}" for resname, own in beads for bead in own if not isinstance(own[bead], dict)]
        yield from (f"bead {one} in model {name} is no table of shares by atom" for one in odd)


def bead_model(name) -> BeadModel:
    """
    A bead model by its name, or that of a file.

    Parameters
    ----------
    name : str, path-like or BeadModel
        A name of `BEAD_MODELS` or of `SYNONYMS`, in any case; a JSON file with one model, or ``FILE.json:NAME``.

    Returns
    -------
    BeadModel

    Raises
    ------
    ValueError
        A name that is not known, or a file that `read_bead_models` refuses.

    Examples
    --------
    >>> bead_model("CA+SC").name, bead_model("martini2").name
    ('ca_sc', 'martini22')
    """
    if isinstance(name, BeadModel):
        return name
    path, dot, rest = str(name).partition(".json")
    if dot and (not rest or rest.startswith(":")):
        return _one_of(read_bead_models(path + dot), rest[1:], path + dot)
    plain = str(name).lower().replace("-", "_").replace("+", "_")
    known = SYNONYMS.get(plain, plain)
    if known not in BEAD_MODELS:
        raise ValueError(
            f"bead model {str(name)!r} is not known: expected one of {', '.join(BEAD_MODELS)}, or a JSON file of bead "
            "models (FILE.json, or FILE.json:NAME)"
        )
    return BEAD_MODELS[known]


def _one_of(models, name, path):
    """The model of a file that is asked for; without a name the only one."""
    if not name and len(models) == 1:
        return next(iter(models.values()))
    if name not in models:
        asked = f"has no bead model {name!r}" if name else "has several bead models"
        raise ValueError(f"{path} {asked}: expected {path}:NAME with one of {', '.join(models)}")
    return models[name]


def chain_ends(coarse) -> np.ndarray:
    """
    Residues that end a chain, not a break within one: these have an OXT.

    Parameters
    ----------
    coarse : Topology

    Returns
    -------
    ndarray of bool, shape (R,)
        The last residue of a stretch where chain or segment changes or residue numbers begin again, and the very last
        one; not where a cap follows.
    """
    runs = run_ends(coarse.chainIDs, coarse.segids)
    again = np.append(np.diff(coarse.resids) <= 0, True)
    return coarse.ends & (runs | again) & (coarse.caps[:, 1] == "") & ~coarse.hetero


def _model(name, entry):
    table = dict(entry["residues"])
    for forms in entry.get("variants", {}).values():
        table |= {form.split()[0]: beads for form, beads in forms.items()}  # "HID (amber names only)"
    by_mass = {"mass": True, "equal": False}[entry["weights"]]
    others = tuple(other for names in entry.get("other_beads", ()) for other in names.split(", "))
    hydrogens = entry.get("hydrogens_if_present", {})
    lengths = {
        residue: {pair: _length(name, f"{residue} {pair}", numbers) for pair, numbers in pairs.items()}
        for residue, pairs in entry.get("lengths", {}).get("residues", {}).items()
    }
    return BeadModel(name, entry["anchor"], table, by_mass, others, entry.get("end_atoms", {}), hydrogens, lengths)


def _length(name, of, numbers):
    """Four numbers of a length, from four, or from three without the standard deviation in the force field."""
    if len(numbers[1:]) not in (2, 3) or not all(isinstance(x, int | float) and x >= 0 for x in numbers):
        raise ValueError(
            f"bead model {name!r}: the length of {of} is {numbers}: expected mean and standard deviation in the "
            "force field, then in crystals, in angstrom"
        )
    return [*numbers] if len(numbers[1:]) == 3 else [numbers[0], numbers[2], *numbers[1:]]


BEAD_MODELS = read_bead_models(Path(__file__).with_suffix(".json"))
"""Bead models of proteins by name; the file beside this one names their sources."""

CA = BEAD_MODELS["ca"]
"""One bead a residue, at its C-alpha."""

SYNONYMS = {
    "calpha": "ca",
    "c_alpha": "ca",
    "residue_com": "com",
    "martini": "martini3",
    "martini3001": "martini3",
    "martini2": "martini22",
    "martini2.2": "martini22",
    "martini22p": "martini22",
    "martini2.2p": "martini22",
    "elnedyn22": "elnedyn",
    "elnedyn2.2": "elnedyn",
    "elnedyn22p": "elnedyn",
    "bb_only": "bb",
    "martini3_backbone": "martini3_ncaco",
}
"""Other names of these models."""
