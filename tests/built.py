"""Chains built with ideal geometry and given torsions, as atom14 arrays."""

import numpy as np

from mdbackmap.chemistry.residues import ALPHABET, ATOMS, RESIDUE_NAMES

N, CA, C, O, CB = range(5)  # slots  # noqa: E741


def types_of(sequence):
    return np.array([ALPHABET.index(letter) for letter in sequence])


def full_mask(types):
    return np.array([[slot < len(ATOMS[RESIDUE_NAMES[kind]]) for slot in range(14)] for kind in types])


def one_chain(types):
    return np.arange(len(types)) == len(types) - 1


def place(a, b, c, length, angle, torsion):
    """The fourth atom of a torsion, by the textbook."""
    axis = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, axis)
    normal /= np.linalg.norm(normal)
    angle, torsion = np.radians(angle), np.radians(torsion)
    local = [-np.cos(angle), np.sin(angle) * np.cos(torsion), np.sin(angle) * np.sin(torsion)]
    return c + length * (local[0] * axis + local[1] * np.cross(normal, axis) + local[2] * normal)


def build(sequence, phi=-63.0, psi=-43.0, omega=180.0, chi=(180.0, 180.0)):
    """A chain with ideal geometry: backbone, CB, and side chains of V, I, L, S, D as far as chi2."""
    atoms = np.full((len(sequence), 14, 3), 0.0)
    n, ca, c = np.array([[0.0, 0, 0], [1.46, 0, 0], [1.46 + 1.53 * 0.358, 1.53 * 0.934, 0]])
    for r, letter in enumerate(sequence):
        atoms[r, [N, CA, C]] = n, ca, c
        if letter != "G":
            atoms[r, CB] = place(n, c, ca, 1.53, 110.1, 122.8)
            if letter in "VILSDT":
                atoms[r, 5] = place(n, ca, atoms[r, CB], 1.52, 111.0, chi[0])
                atoms[r, 6] = place(
                    n, ca, atoms[r, CB], 1.52, 111.0, chi[0] - 120.0 if letter in "IT" else chi[0] + 122.0
                )
            if letter in "LD":
                atoms[r, 6] = place(ca, atoms[r, CB], atoms[r, 5], 1.5, 111.0, chi[1])
                atoms[r, 7] = place(
                    ca, atoms[r, CB], atoms[r, 5], 1.5, 111.0, chi[1] + (123.0 if letter == "L" else 180.0)
                )
        next_n = place(n, ca, c, 1.33, 116.6, psi)
        atoms[r, O] = place(n, ca, c, 1.23, 120.5, psi + 180.0)
        next_ca = place(ca, c, next_n, 1.46, 121.7, omega)
        n, ca, c = next_n, next_ca, place(c, next_n, next_ca, 1.53, 111.0, phi)
    return atoms[None]
