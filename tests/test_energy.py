"""Energies by OpenMM: the terminal oxygen, hydrogens of either origin, clashes, refusals. Skipped without OpenMM."""

import sys
from dataclasses import replace

import MDAnalysis as mda
import numpy as np
import pytest
from built import build, full_mask, one_chain, types_of

from mdbackmap.cli import main
from mdbackmap.data.known import Chain
from mdbackmap.datafiles import TRPCAGE_PDB
from mdbackmap.evaluation import energy
from mdbackmap.evaluation.judgement import judge, judge_alone
from mdbackmap.evaluation.proteins import read_protein
from mdbackmap.metrics.hydrogens import Hydrogens

# kJ/mol a residue. OpenMM adds up forces in the order in which its threads end, deterministic forces or not: on two
# threads energies of trp-cage after a step differ by up to 0.06 of -110 (measured), and a step lowers them by 8.
REPEATS = 0.3


def same(energy):
    return pytest.approx(energy, abs=REPEATS)


def helix(sequence="AAGA"):
    types = types_of(sequence)
    return Chain("helix", build(sequence), full_mask(types), types, one_chain(types))


def test_without_openmm(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "openmm", None)
    with pytest.raises(ImportError, match=r"energies need OpenMM, .*mdbackmap\[openmm\]"):
        energy.energies(helix(), 1)
    assert main(["check", TRPCAGE_PDB, "--energy"]) == 1
    assert 'pip install "mdbackmap[openmm]"' in capsys.readouterr().err


class TestOpenMM:
    @pytest.fixture(autouse=True)
    def _needed(self):
        pytest.importorskip("openmm")

    def test_missing_atoms(self):
        chain = helix()
        chain.mask[2, 3] = False
        with pytest.raises(ValueError, match="O of GLY 3"):
            energy.energies(chain, 1)

    def test_minimising_lowers_the_energy_and_repeats_itself(self):
        few, again, many = (energy.energies(helix(), n)[0] for n in (2, 2, 50))
        assert few == same(again) and many["energy"] < few["energy"] - 1
        assert many["finite_steps"] == 0 and many["finite"] == 100

    def test_its_own_system_knows_the_residues(self):
        """The same molecule as OpenMM reads it from a PDB file, energies without a step."""
        from openmm import Context, Platform, VerletIntegrator, app, unit

        topology, positions = energy.build(helix())
        modeller = app.Modeller(topology, positions)
        field = app.ForceField(*energy.FORCE_FIELD)
        modeller.addHydrogens(field, pH=7.0, platform=Platform.getPlatformByName("Reference"))
        xyz = 10 * np.array(modeller.positions.value_in_unit(unit.nanometer))
        symbols = [atom.element.symbol for atom in modeller.topology.atoms()]
        hydrogens = np.array([k for k, symbol in enumerate(symbols) if symbol == "H"])
        heavy = [k for k, atom in enumerate(modeller.topology.atoms()) if symbols[k] != "H" and atom.name != "OXT"]
        chain = helix()
        slots = np.flatnonzero(chain.mask)
        assert np.allclose(xyz[heavy], chain.positions[0].reshape(-1, 3)[slots], atol=1e-4)
        nearest = np.linalg.norm(xyz[heavy][None] - xyz[hydrogens][:, None], axis=-1).argmin(1)
        chain = replace(chain, hydrogens=Hydrogens(xyz[None, hydrogens], slots[nearest]))
        system = field.createSystem(modeller.topology, nonbondedMethod=app.NoCutoff)
        context = Context(system, VerletIntegrator(0.001), Platform.getPlatformByName("Reference"))
        context.setPositions(modeller.positions)
        expected = context.getState(getEnergy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole) / 4
        assert energy.energies(chain, 0)[0]["energy"] == pytest.approx(expected, abs=0.01)

    def test_atoms_in_one_place_have_no_finite_forces(self):
        chain = helix("AAAAAA")
        chain.positions[0, 5, 4] = chain.positions[0, 0, 4]
        found = energy.energies(chain, 3)[0]
        assert found["finite"] == 0 and np.isnan(found["energy"]) and np.isnan(found["finite_steps"])
        chain.positions[0, 5, 4] += 0.3  # angstrom: finite, but a clash
        near, sound = energy.energies(chain, 0)[0], energy.energies(helix("AAAAAA"), 0)[0]
        assert near["finite"] == 100 and near["energy"] > sound["energy"] + 1e5

    def test_hydrogens_that_amber_does_not_know_are_placed_anew(self):
        chain = helix()
        some = replace(chain, hydrogens=Hydrogens(chain.positions[:, 1, 4][:, None] + [0, 0, 1.1], np.array([18])))
        with pytest.warns(UserWarning, match="placed again"):
            found = energy.energies(some, 5)
        assert found[0] == same(energy.energies(chain, 5)[0])
        assert found[0] != same(energy.energies(chain, 0)[0])

    def test_disulfides_are_bonds(self):
        types = types_of("GCCG")
        positions = build("GCCG")
        positions[0, 1:3, 5] = positions[0, 1:3, 4] + [[0.0, 0.0, 1.8]]
        positions[0, 2, 5] = positions[0, 1, 5] + [2.05, 0, 0]
        chain = Chain("bridge", positions, full_mask(types), types, one_chain(types))
        bonds = [{a.name for a in bond} for bond in energy.build(chain)[0].bonds()]
        assert bonds.count({"SG"}) == 1

    def test_judged_with_and_without_reference(self, capsys):
        chain = read_protein(mda.Universe(TRPCAGE_PDB).atoms, name="trpcage")
        alone = judge_alone(chain, energy_steps=1)
        both = judge(chain, chain, energy_steps=1)
        assert both.mean["energy"] == same(alone.mean["energy"])
        assert both.mean["energy_reference"] == same(alone.mean["energy"])
        assert "energy" not in judge_alone(chain).mean
        assert main(["check", TRPCAGE_PDB, "--energy", "1"]) == 0
        line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("amber14 energy"))
        assert float(line.split()[-1]) == pytest.approx(alone.mean["energy"], abs=REPEATS + 0.05)
