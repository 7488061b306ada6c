"""
Internal coordinates of a protein on its C-alpha trace: six angles a residue, everything else from the template.

With both C-alphas known, a planar peptide has one degree of freedom, its angle about the CA-CA axis. Together with
the side-chain torsions that is the whole of a heavy-atom structure whose bonds, planarity and chirality are right
by construction. `InternalCoordinates` turns angles into atoms and atoms into angles.

Shapes: `...` leading dimensions (frames), R residues, 14 atom slots, `T = 6` torsions a residue (`TORSIONS`):

========= =========================================================================================
peptide   O(i) about CA(i)->CA(i+1), from CA(i-1); for the last residue of a stretch phi instead
chi1..4   side-chain torsions; for proline chi1 is the pucker, CG about CB->CD, 0 in the ring's plane
end       psi of the first residue of a stretch; N-CA-C-O of the last one
========= =========================================================================================

Lengths in angstrom, angles in radians.
"""

import functools
import math

import torch

from ..chemistry import other_atoms, peptide_geometry, residues
from ..geometry.vectors import (
    PeptideTemplate,
    axis_frame,
    bisector_frame,
    dihedral,
    full_precision,
    perpendicular,
    place,
    turn_about_x,
    unit,
    wrap,
)
from .movable import MovableAtoms, present
from .prolines import close_prolines, puckers
from .trace_ends import trace_neighbours

TORSIONS = ("peptide", "chi1", "chi2", "chi3", "chi4", "end")
PEPTIDE, END, CHIS = 0, len(TORSIONS) - 1, tuple(range(1, len(TORSIONS) - 1))
"""Columns of torsions."""
_N, _CA, _C, _O = range(4)  # slots
_PRO = residues.TYPE_OF_NAME["PRO"]
_AROUND = 5.0, 10.0  # angstrom, over which C-alphas around a short piece fade; chosen: by hand, near and far ones
_NOTHING = 1e-6  # angstrom; chosen: by hand, no C-alpha is near enough to count
_SLOT = {name: {atom: k for k, atom in enumerate(atoms)} for name, atoms in residues.ATOMS.items()}
_template = functools.cache(PeptideTemplate)  # of a cis (True) or trans peptide


def _turned(frame, angles):
    """Axes x, y, z, each (..., 3), of frames (..., 3, 3) turned about x by `angles` (...): they carry what is there."""
    (x, y, z), cos, sin = frame.unbind(-2), angles.cos().unsqueeze(-1), angles.sin().unsqueeze(-1)
    return x, cos * y + sin * z, cos * z - sin * y


class InternalCoordinates:
    """
    The internal coordinates of one molecule (or of one flat batch of molecules).

    Parameters
    ----------
    types : torch.Tensor of int64, shape (R,)
        Residue types, indices into `residues.ALPHABET`.
    ends : torch.Tensor of bool, shape (R,)
        True for the last residue of each unbroken stretch.
    cis : torch.Tensor of bool, shape (R,)
        True where the peptide between a residue and the next one is cis.
    mirrored : torch.Tensor of bool, shape (R,), optional
        True for D-residues; by default none.

    Attributes
    ----------
    defined : torch.Tensor of bool, shape (R, 6)
        Which torsions each residue has.

    Examples
    --------
    >>> ca = torch.tensor([[0.0, 0.0, 0.0], [3.8, 0.0, 0.0], [5.1, 3.6, 0.0]])
    >>> ends, cis = torch.tensor([False, False, True]), torch.zeros(3, dtype=bool)
    >>> internal = InternalCoordinates(torch.tensor([0, 7, 0]), ends, cis)
    >>> atoms = internal.to_cartesian(ca, torch.zeros(3, 6))
    >>> atoms.shape, bool((atoms[:, 1] == ca).all())
    (torch.Size([3, 14, 3]), True)
    """

    def __init__(self, types, ends, cis, mirrored=None):
        self.types, self.ends, self.cis, self._besides = types, ends, cis, {}
        self.mirrored = torch.zeros_like(ends) if mirrored is None else mirrored
        self.starts = starts = ends.roll(1)
        starts[0] = True
        self.first, self.last = starts.nonzero()[:, 0], ends.nonzero()[:, 0]
        self.cis_at = (cis & ~ends).nonzero()[:, 0]
        self.alone = self.first[self.first == self.last]
        self._short = ((self.last - self.first < 2) & (types[self.first] < other_atoms.FIRST_TYPE)).nonzero()[:, 0]
        n_chis = torch.tensor([len(residues.CHIS[name]) for name in residues.RESIDUE_NAMES], device=types.device)
        n_chis[_PRO] = 1
        chis, angles = n_chis.new_zeros(len(present())), torch.full((len(present()),), peptide_geometry.N_CA_C_MEAN)
        chis[: len(n_chis)], angles[: len(n_chis)] = n_chis, torch.tensor(peptide_geometry.N_CA_C)
        self.defined = torch.ones(len(types), len(TORSIONS), dtype=torch.bool, device=types.device)
        self.defined[:, 1:5] = torch.arange(residues.MAX_CHIS, device=types.device) < chis[types, None]
        self.defined[:, 5] = starts | ends
        self.tau = angles.to(types.device).deg2rad()[types]
        self.prolines = (types == _PRO).nonzero()[:, 0]

    @classmethod
    def of(cls, coarse, device=None):
        """Those of a `Topology` of C-alphas, with their tables on a device."""
        tables = (coarse.types, coarse.ends, coarse.cis, coarse.mirrored)
        return cls(*(torch.tensor(table, device=device) for table in tables))

    def beside(self, kinds):
        """Those of the molecule with residues of other types (S,) behind it, each a stretch of its own; made once."""
        key = tuple(kinds.tolist())
        if key not in self._besides:
            more = torch.ones_like(kinds, dtype=torch.bool)
            tables = (self.types, kinds), (self.ends, more), (self.cis, ~more), (self.mirrored, ~more)
            self._besides[key] = InternalCoordinates(*(torch.cat(table) for table in tables))
        return self._besides[key]

    @functools.cached_property
    def movable(self):
        """Which atoms turn with side-chain torsions (`MovableAtoms`)."""
        return MovableAtoms(self.types)

    @functools.cached_property
    def walk(self):
        """Residues (int64) in the order in which chains are walked: the k-th ones of all stretches together."""
        index = torch.arange(len(self.types), device=self.types.device)
        begin = torch.cummax(torch.where(self.starts, index, 0), 0).values
        step = index - begin
        order = torch.argsort(step, stable=True)
        return order.split(torch.bincount(step).tolist())

    @functools.cached_property
    def _groups(self):
        return [self._group(k) for k in range(5)]

    def _group(self, k):
        """Index sets of the atoms that chi k moves (k = 0: CB): (axis atoms, residues, row, slot, local xyz)."""
        axis, owners, rows, slots, places = [], [], [], [], []
        for residue, kind in enumerate(self.types.tolist()):
            if kind >= other_atoms.FIRST_TYPE:
                continue
            name, first = residues.RESIDUE_NAMES[kind], residue * residues.MAX_ATOMS
            moved = {atom: at for atom, (group, *at) in residues.IDEAL_ATOMS[name].items() if group == k}
            if moved:
                atoms = ("N", "CA", "C") if k == 0 else residues.CHIS[name][k - 1][:3]
                axis.append([first + _SLOT[name][atom] for atom in atoms])
                rows += [len(owners)] * len(moved)
                slots += [first + _SLOT[name][atom] for atom in moved]
                places += moved.values()
                owners.append(residue)
        indices = (torch.tensor(v, dtype=torch.int64, device=self.types.device) for v in (axis, owners, rows, slots))
        axis, owners, rows, slots = indices
        places = torch.tensor(places, dtype=torch.float32, device=self.types.device).reshape(-1, 3)
        return axis.reshape(-1, 3).unbind(-1), owners, rows, slots, places

    def neighbours(self, ca):
        """C-alphas before and after each residue (..., R, 3), as `trace_neighbours` has them."""
        return trace_neighbours(ca, self.first, self.last, self.aside(ca) if len(self._short) else None)

    @full_precision
    def aside(self, ca):
        """
        Directions at stretches of one or two residues, from the C-alphas around them: they turn with the molecule.

        Parameters
        ----------
        ca : torch.Tensor, shape (..., R, 3)

        Returns
        -------
        stretches : torch.Tensor of int64, shape (s,)
        away, across : torch.Tensor, shape (..., s, 3)
            Unit vectors: away from what is around, and at right angles to that. Of a residue with nothing around it
            they are axes.
        """
        amino = (self.types < other_atoms.FIRST_TYPE).nonzero()[:, 0]
        gaps = ca[..., None, amino, :] - ca[..., self.first[self._short], None, :]
        distance = gaps.norm(dim=-1, keepdim=True)
        near, far = ((gaps * torch.exp(-distance / reach)).sum(-2) for reach in _AROUND)
        none = near.norm(dim=-1, keepdim=True) < _NOTHING
        away = torch.where(none, near.new_tensor([0.0, 0.0, 1.0]), -unit(near))
        return self._short, away, torch.cross(away, perpendicular(far, away), dim=-1)

    # atoms from angles -----------------------------------------------------------------------------------------

    @full_precision
    def to_cartesian(self, ca, torsions, backbone=None, given=None):
        """
        Atoms from angles.

        Parameters
        ----------
        ca : torch.Tensor, shape (..., R, 3)
            C-alpha positions in angstrom; they are the CA atoms of the result, bit for bit.
        torsions : torch.Tensor, shape (..., R, 6)
            Angles in radians; undefined ones are ignored. Where a leading dimension of `ca` and `backbone` is 1, here
            it may be more: several side chains on one backbone.
        backbone : tuple of torch.Tensor, shape (..., R, 3), optional
            N, C and O, where `backbone` has built them before; then the peptide and end angles are not used.
        given : Given, optional
            Atoms that are known: what is further out is built from them. Needs the `backbone`.

        Returns
        -------
        torch.Tensor, shape (..., R, 14, 3)
            Positions in angstrom; slots that a residue does not have hold its CA.
        """
        n, c, o = self.backbone(ca, torsions) if backbone is None else backbone
        atoms = ca.unsqueeze(-2).repeat(*[1] * (ca.dim() - 1), 14, 1)
        atoms[..., _N, :], atoms[..., _C, :], atoms[..., _O, :] = n, c, o
        flat = atoms.flatten(-3, -2)
        for k, (axis, owners, rows, slots, places) in enumerate(self._groups):
            if k == 1 and flat.shape[:-2] != torsions.shape[:-2]:  # what is built so far is on all alike
                flat = flat.expand(*torsions.shape[:-2], -1, -1).clone()
            if given is not None:
                flat = given.put(flat.unflatten(-2, (-1, 14))).flatten(-3, -2)
            if len(owners) == 0:
                continue
            a, b, third = (flat.index_select(-2, at) for at in axis)
            if k == 0:
                origin, axes = b, bisector_frame(a, b, third).unbind(-2)
            else:
                origin, axes = third, _turned(axis_frame(b, third, a), torsions[..., owners, k])
            origin, *axes = (part.index_select(-2, rows) for part in (origin, *axes))
            placed = sum((places.to(ca)[:, j, None] * axes[j] for j in range(3)), origin)
            flat.index_copy_(-2, slots, placed)
        if given is not None:
            return given.put(self._closed(given.put(flat.unflatten(-2, (-1, 14))), torsions))
        return self._closed(flat.unflatten(-2, (-1, 14)), torsions)

    def _closed(self, atoms, torsions):
        return close_prolines(atoms, self.prolines, self.starts, torsions)

    @full_precision
    def backbone(self, ca, torsions):
        """N, C and O, each (..., R, 3), of `to_cartesian`."""
        before, after = self.neighbours(ca)
        c, o, n_next = (ca.unsqueeze(-2) + self.peptides(ca, torsions[..., 0])).unbind(-2)
        n = n_next.roll(1, dims=-2)
        return self._chain_ends(ca, before, after, n, c, o, n_next, torsions)

    def peptides(self, ca, angles):
        """C, O and the next N (..., R, 3, 3), each from its CA, of peptides turned by `angles` (..., R)."""
        local, frame = self.peptide_frames(ca)
        return turn_about_x(local, angles.unsqueeze(-1)) @ frame

    def peptide_frames(self, ca):
        """Places of C, O and the next N from each CA at angle 0, and the axes they refer to, each (..., R, 3, 3)."""
        before, after = self.neighbours(ca)
        distance = (after - ca).norm(dim=-1)
        local = _template(False)(distance)
        if len(self.cis_at):
            local = local.index_copy(-3, self.cis_at, _template(True)(distance[..., self.cis_at]))
        return local, axis_frame(ca, after, before)

    def _chain_ends(self, ca, before, after, n, c, o, n_next, torsions):
        """N of the first residue from psi, C and O of the last one from phi and N-CA-C-O."""
        length, at = peptide_geometry.BACKBONE_BONDS, self.first
        wide, psi = self.tau[at], torsions[..., at, 5]
        placed = place(n_next[..., at, :], c[..., at, :], ca[..., at, :], length["N-CA"], wide, psi)
        if len(self.alone):
            single = (self.first == self.last)[:, None]
            placed = torch.where(single, ca[..., at, :] + length["N-CA"] * unit((before - ca)[..., at, :]), placed)
        n = n.index_copy(-2, at, placed)
        at = self.last
        reference = torch.where(self.starts[at, None], after[..., at, :], c[..., (at - 1).clamp_min(0), :])
        placed = place(reference, n[..., at, :], ca[..., at, :], length["CA-C"], self.tau[at], torsions[..., at, 0])
        c = c.index_copy(-2, at, placed)
        bend = math.radians(peptide_geometry.PEPTIDE_ANGLES["trans"]["CA-C-O"])
        oxygen = place(n[..., at, :], ca[..., at, :], placed, length["C-O"], bend, torsions[..., at, 5])
        return n, c, o.index_copy(-2, at, oxygen)

    # angles from atoms -----------------------------------------------------------------------------------------

    @full_precision
    def to_internal(self, ca, atoms, mask):
        """
        Angles from atoms.

        Parameters
        ----------
        ca : torch.Tensor, shape (..., R, 3)
            The trace that the angles refer to (usually the CA atoms; with noise on the beads, the noisy ones).
        atoms : torch.Tensor, shape (..., R, 14, 3)
        mask : torch.Tensor of bool, shape (..., R, 14)
            True where an atom is there.

        Returns
        -------
        torsions : torch.Tensor, shape (..., R, 6)
            Angles in radians in [-pi, pi), 0 where unknown. A peptide's angle is the one that fits its C, O and N best.
        known : torch.Tensor of bool, shape (..., R, 6)
            True where all the atoms that an angle needs are there.
        """
        torsions = ca.new_zeros(*ca.shape[:-1], 6)
        known = torch.zeros(torsions.shape, dtype=torch.bool, device=ca.device)
        torsions[..., 0], known[..., 0] = self.peptide_angles(ca, atoms, mask)
        flat, there = atoms.flatten(-3, -2), mask.flatten(-2)
        for k in range(1, 5):
            axis, at, rows, slots, _ = self._groups[k]
            tip = slots[torch.searchsorted(rows, torch.arange(len(at), device=rows.device))]  # a group's first atom
            points = [flat[..., i, :] for i in (*axis, tip)]
            torsions[..., at, k] = dihedral(*points)
            known[..., at, k] = torch.stack([there[..., i] for i in (*axis, tip)]).all(0)
        self._end_angles(atoms, mask, torsions, known)
        at = self.prolines
        torsions[..., at, 1], known[..., at, 1] = puckers(atoms, mask, at)
        known &= self.defined
        return torch.where(known, wrap(torsions), 0.0), known

    @full_precision
    def peptide_angles(self, ca, atoms, mask):
        """Angles (..., R) of the peptides on the trace `ca`, and where they are known; as in `to_internal`."""
        before, after = self.neighbours(ca)
        frame = axis_frame(ca, after, before)
        template = _template(False)(ca.new_tensor(peptide_geometry.CA_TRANS)).expand(*ca.shape[:-1], 3, 3)
        if len(self.cis_at):
            template = template.clone()
            template[..., self.cis_at, :, :] = _template(True)(ca.new_tensor(peptide_geometry.CA_CIS))
        points = torch.stack([atoms[..., _C, :], atoms[..., _O, :], atoms[..., _N, :].roll(-1, dims=-2)], dim=-2)
        there = torch.stack([mask[..., _C], mask[..., _O], mask[..., _N].roll(-1, dims=-1)], dim=-1)
        local = (points - ca.unsqueeze(-2)) @ frame.transpose(-1, -2)
        weight = template[..., 1] * there
        angles = torch.atan2((weight * local[..., 2]).sum(-1), (weight * local[..., 1]).sum(-1))
        return angles, there.all(-1)

    def _end_angles(self, atoms, mask, torsions, known):
        at = self.first
        after = torch.minimum(at + 1, self.last)
        torsions[..., at, 5] = dihedral(*(atoms[..., i, k, :] for i, k in ((at, _N), (at, _CA), (at, _C), (after, _N))))
        known[..., at, 5] = mask[..., at, _N] & mask[..., at, _C] & mask[..., after, _N] & (after > at)
        at = self.last
        torsions[..., at, 5] = dihedral(*(atoms[..., at, k, :] for k in (_N, _CA, _C, _O)))
        known[..., at, 5] = mask[..., at, :4].all(-1)
        back = (at - 1).clamp_min(0)
        torsions[..., at, 0] = dihedral(*(atoms[..., i, k, :] for i, k in ((back, _C), (at, _N), (at, _CA), (at, _C))))
        known[..., at, 0] = mask[..., back, _C] & mask[..., at, _N] & mask[..., at, _C] & ~self.starts[at]
