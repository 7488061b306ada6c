"""
Molecules written into files, as they are: text by hand, so that it may be odd, binary formats by MDAnalysis.

`damage` cuts files off and flips bits.
"""

import contextlib
import io
import warnings

import MDAnalysis as mda
import numpy as np

from .molecules import chance, pick

TOPOLOGIES = ("pdb", "pdb", "pdb", "pdb", "gro", "gro", "psf", "xyz", "cif", "pqr", "ent")
TRAJECTORIES = ("xtc", "xtc", "trr", "dcd", "dcd", "h5md", "xyz", "pdb", "gro", "nc", "lammpstrj", "joined", "none")
HOLD_NO_POSITIONS = ("psf",)
KINDS_OF_XTC = ["cut", "cut", "junk", "empty", "other", "noise"]
KINDS = [*KINDS_OF_XTC, "bits", "bits", "head", "zeros", "gap", "twice"]


def write_topology(path, molecule, frames=(0,)):
    """Write the molecule, with these frames where the format has any."""
    writer = {"gro": _gro, "psf": _psf, "xyz": _xyz, "cif": _cif, "pqr": _pqr}.get(path.suffix[1:], _pdb)
    path.write_text(writer(molecule, frames), encoding="utf-8")


def write_trajectory(path, molecule, frames):
    """
    Write these frames; False where the format cannot hold them.

    NaN and infinite coordinates do not fit every format. XTC is not tried beyond the 2e7 angstrom that it can hold:
    its library destroys the memory of the process.
    """
    if path.suffix == ".xtc" and not (np.abs(molecule.positions) < 1e7).all():
        return False
    if path.suffix in (".pdb", ".gro", ".xyz"):
        write_topology(path, molecule, frames)
        return True
    if path.suffix == ".lammpstrj":
        path.write_text(_lammps(molecule, frames))
        return True
    n_atoms = len(molecule.atoms)
    u = mda.Universe.empty(n_atoms, atom_resindex=np.zeros(n_atoms, dtype=int), trajectory=True)
    options = {".h5md": {"lengthunit": "Angstrom", "timeunit": "ps"}}.get(path.suffix, {})
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            with mda.Writer(str(path), n_atoms, **options) as out:
                for number in frames:
                    u.atoms.positions = molecule.positions[number]
                    u.dimensions = None if molecule.boxes is None else molecule.boxes[number]
                    u.trajectory.ts.frame, u.trajectory.ts.time = number, 10.0 * number
                    out.write(u.atoms)
        except Exception:
            path.unlink(missing_ok=True)
            return False
    return True


def damage(rng, path):
    """
    Damage a file; what was done, in a word.

    Frames of XTC are left as they are: of damaged ones the library that MDAnalysis reads them by destroys the memory of
    the process.
    """
    content = bytearray(path.read_bytes())
    kind = pick(rng, KINDS if path.suffix != ".xtc" else KINDS_OF_XTC)
    n = len(content)
    at = int(rng.integers(0, max(1, n)))
    if kind == "cut":
        content = content[:at]
    elif kind in ("bits", "head") and n:
        for _ in range(int(rng.integers(1, 6))):
            content[int(rng.integers(0, min(n, 100) if kind == "head" else n))] ^= 1 << int(rng.integers(8))
    elif kind == "zeros":
        content[at : at + 40] = bytes(len(content[at : at + 40]))
    elif kind == "gap":
        del content[at : at + int(rng.integers(1, 60))]
    elif kind == "twice":
        content[at:at] = content[at : at + int(rng.integers(1, 200))]
    elif kind == "junk":
        content += rng.bytes(int(rng.integers(1, 200)))
    elif kind == "empty":
        content = b""
    elif kind == "noise":
        content = rng.bytes(max(1, n))
    elif kind == "other":
        content = b"#!/bin/sh\nexit 1\n" if chance(rng, 0.5) else b"\x89HDF\r\n\x1a\n" + bytes(200)
    path.write_bytes(bytes(content))
    return kind


def _pdb(molecule, frames):
    lines = []
    for k, number in enumerate(frames):
        lines += [f"MODEL     {k + 1:4d}"] if len(frames) > 1 else []
        if molecule.boxes is not None:
            a, b, c, alpha, beta, gamma = molecule.boxes[number]
            lines.append(f"CRYST1{a:9.3f}{b:9.3f}{c:9.3f}{alpha:7.2f}{beta:7.2f}{gamma:7.2f} P 1           1")
        for i, (atom, (x, y, z)) in enumerate(zip(molecule.atoms, molecule.positions[number], strict=True)):
            name = f" {atom.name:<3}" if len(atom.name) < 4 else atom.name[:4]
            residue = f"{atom.altloc}{atom.resname:>3} {atom.chain:1}{atom.resid:>4}{atom.icode}"
            lines.append(
                f"{atom.record:<6}{i + 1:5d} {name}{residue}"
                f"   {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {atom.element:>2}"
            )
        lines += ["ENDMDL"] if len(frames) > 1 else []
    lines += [f"CONECT{i + 1:5d}{j + 1:5d}" for i, j in molecule.bonds]
    return "\n".join([*lines, "END", ""])


def _pqr(molecule, frames):
    rows = zip(molecule.atoms, molecule.positions[frames[0]], strict=True)
    return "".join(
        f"{a.record} {i + 1} {a.name} {a.resname} {a.chain} {a.resid} {x:.3f} {y:.3f} {z:.3f} 0.0 1.5\n"
        for i, (a, (x, y, z)) in enumerate(rows)
    )


def _gro(molecule, frames):
    text = ""
    for number in frames:
        text += f"made t= {10.0 * number}\n{len(molecule.atoms)}\n"
        for i, (atom, (x, y, z)) in enumerate(zip(molecule.atoms, molecule.positions[number] / 10, strict=True)):
            text += (
                f"{atom.resid[-5:]:>5}{atom.resname:<5}{atom.name:>5}{(i + 1) % 100000:5d}{x:8.3f}{y:8.3f}{z:8.3f}\n"
            )
        a, b, c = (0, 0, 0) if molecule.boxes is None else molecule.boxes[number][:3] / 10
        text += f"{a:10.5f}{b:10.5f}{c:10.5f}\n"
    return text


def _psf(molecule, frames):
    text = f"PSF\n\n       1 !NTITLE\n REMARKS made\n\n{len(molecule.atoms):8d} !NATOM\n"
    for i, a in enumerate(molecule.atoms):
        names = f"{a.chain:<4} {a.resid:<4} {a.resname:<4} {a.name:<4} {a.name or 'X':<4}"
        text += f"{i + 1:8d} {names} {0.0:10.6f} {12.0:13.4f} 0\n"
    bonds = "".join(f"{i + 1:8d}{j + 1:8d}" for i, j in molecule.bonds)
    return f"{text}\n{len(molecule.bonds):8d} !NBOND: bonds\n{bonds}\n\n"


def _xyz(molecule, frames):
    text = ""
    for number in frames:
        text += f"{len(molecule.atoms)}\nmade\n"
        for atom, (x, y, z) in zip(molecule.atoms, molecule.positions[number], strict=True):
            text += f"{atom.name or 'X'} {x:.4f} {y:.4f} {z:.4f}\n"
    return text


_CIF = """data_made
loop_
_atom_site.group_PDB
_atom_site.id
_atom_site.type_symbol
_atom_site.label_atom_id
_atom_site.label_alt_id
_atom_site.label_comp_id
_atom_site.label_asym_id
_atom_site.label_entity_id
_atom_site.label_seq_id
_atom_site.pdbx_PDB_ins_code
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
_atom_site.occupancy
_atom_site.B_iso_or_equiv
_atom_site.auth_seq_id
_atom_site.auth_comp_id
_atom_site.auth_asym_id
_atom_site.auth_atom_id
_atom_site.pdbx_PDB_model_num
"""


def _cif(molecule, frames):
    text, serial = _CIF, 0
    for k, number in enumerate(frames):
        for a, (x, y, z) in zip(molecule.atoms, molecule.positions[number], strict=True):
            serial += 1
            name, resname, chain, resid = (value.strip() or "." for value in (a.name, a.resname, a.chain, a.resid))
            codes = (a.altloc.strip() or ".", a.icode.strip() or "?", a.element.strip() or "?")
            text += (
                f"{a.record} {serial} {codes[2]} {name} {codes[0]} {resname} {chain} 1 {resid} {codes[1]} "
                f"{x:.3f} {y:.3f} {z:.3f} 1.00 0.00 {resid} {resname} {chain} {name} {k + 1}\n"
            )
    return text


def _lammps(molecule, frames):
    text = ""
    for number in frames:
        size = [100, 100, 100] if molecule.boxes is None else molecule.boxes[number][:3]
        text += (
            f"ITEM: TIMESTEP\n{10 * number}\nITEM: NUMBER OF ATOMS\n{len(molecule.atoms)}\nITEM: BOX BOUNDS pp pp pp\n"
        )
        text += "".join(f"0.0 {x}\n" for x in size) + "ITEM: ATOMS id type x y z\n"
        text += "".join(
            f"{i + 1} 1 {x:.4f} {y:.4f} {z:.4f}\n" for i, (x, y, z) in enumerate(molecule.positions[number])
        )
    return text
