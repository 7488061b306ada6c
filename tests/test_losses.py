"""Each term of the loss against a slow twin that shares no code with it."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from mdbackmap.chemistry.residues import ATOMS, BONDS, CHIS, EQUIVALENT_ATOMS, RESIDUE_NAMES
from mdbackmap.data.dataset import Batches, cut_units
from mdbackmap.data.structures import Structures
from mdbackmap.datafiles import VALIDATION
from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
from mdbackmap.training import losses
from mdbackmap.training.losses import LossWeights

ATOM_TERMS = ["bond", "angle", "positions", "graph", "clash"]
RADII = {"C": 1.70, "N": 1.55, "O": 1.40, "S": 1.80}


@pytest.fixture(scope="module")
def batches():
    data = Structures.read(VALIDATION)
    units = sorted(cut_units(data, 1), key=lambda unit: len(unit.rows))[:3]
    data.mask[units[0].rows[5], 4:] = False  # a residue without its side chain
    data.mask[units[1].rows[7], 2] = False  # and one without its C
    return Batches(data, units, 8, noise=0.3)


@pytest.fixture
def example(batches):
    example = batches.collate(batches.units, torch.Generator().manual_seed(3))
    example.scored[40:60] = False
    return example


@pytest.fixture
def estimate(example):
    noise = torch.randn(example.torsions.shape, generator=torch.Generator().manual_seed(0))
    return torch.where(example.known, example.torsions + 0.4 * noise, 0.0)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return GenZProt(GenZProtConfig(n_features=16, n_layers=2, n_neighbours=8))


class Twin:
    """The same structures, atom by atom, by name."""

    def __init__(self, example, torsions):
        built = example.internal.to_cartesian(example.batch.ca, torsions).detach().double().numpy()
        self.shift = (example.batch.ca - example.atoms[:, 1]).double().numpy()
        self.names = [RESIDUE_NAMES[kind] for kind in example.batch.types]
        self.last, self.molecule = example.batch.last.tolist(), example.molecule.tolist()
        self.first = example.batch.first.tolist()
        self.known, self.scored = example.known.tolist(), example.scored.tolist()
        there, true = example.mask.tolist(), example.atoms.double().numpy()
        self.true, self.built = {}, {}
        for r, name in enumerate(self.names):
            for slot, atom in enumerate(ATOMS[name]):
                if there[r][slot]:
                    self.true[r, atom] = true[r, slot]
                    if self.scored[r] and self.can_be_built(r, atom):
                        self.built[r, atom] = built[r, slot]
        self.swap()

    def can_be_built(self, r, atom):
        known, name = self.known, self.names[r]
        nitrogen = (known[r][0] and known[r][5]) if self.first[r] else known[r - 1][0]
        carbonyl = known[r][0] and (nitrogen or not self.last[r])
        if atom in ("N", "CA", "C", "O"):
            oxygen = carbonyl and (known[r][5] or not self.last[r])
            return {"N": nitrogen, "CA": True, "C": carbonyl, "O": oxygen}[atom]
        if not (nitrogen and carbonyl):
            return False
        if name == "PRO":
            return atom == "CB" or known[r][1]
        depth = self.depth(name, atom)
        return all(known[r][1 : 1 + depth])

    @staticmethod
    def depth(name, atom):
        """How many side-chain torsions move an atom: bonds between it and CB, rings turning as one."""
        axes = [torsion[1:3] for torsion in CHIS[name]]
        bonds = [bond for bond in BONDS[name] if "N" not in bond or name != "PRO"]
        depth = 0
        for k, axis in enumerate(axes):
            reached, todo = {axis[1]}, [axis[1]]
            while todo:
                at = todo.pop()
                for a, b in bonds:
                    for x, y in ((a, b), (b, a)):
                        if x == at and {x, y} != set(axis) and y not in reached:
                            reached.add(y)
                            todo.append(y)
            if atom in reached and atom != axis[1]:
                depth = k + 1
        return depth

    def swap(self):
        for r, name in enumerate(self.names):
            pairs = EQUIVALENT_ATOMS.get(name, ())
            atoms = [atom for pair in pairs for atom in pair]
            if not pairs or any((r, atom) not in self.built for atom in atoms):
                continue
            other = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
            now = sum(np.sum((self.built[r, a] - self.true[r, a]) ** 2) for a in atoms)
            then = sum(np.sum((self.built[r, a] - self.true[r, other[a]]) ** 2) for a in atoms)
            if then < now:
                self.true |= {(r, a): self.true[r, other[a]] for a in atoms}

    def bonds(self):
        every = []
        for r, name in enumerate(self.names):
            every += [((r, a), (r, b)) for a, b in BONDS[name]]
            if not self.last[r]:
                every.append(((r, "C"), (r + 1, "N")))
        return every

    def neighbours(self):
        table = {}
        for a, b in self.bonds():
            table.setdefault(a, set()).add(b)
            table.setdefault(b, set()).add(a)
        return table

    def bond(self):
        return np.mean([self.stretch(a, b) ** 2 for a, b in self.bonds() if a in self.built and b in self.built])

    def stretch(self, a, b):
        return np.linalg.norm(self.built[a] - self.built[b]) - np.linalg.norm(self.true[a] - self.true[b])

    def angles(self):
        for middle, around in self.neighbours().items():
            for a in around:
                for b in around:
                    if a < b and all(x in self.built for x in (a, middle, b)):
                        yield a, middle, b

    def angle(self):
        def of(atoms, a, m, b):
            u, v = atoms[a] - atoms[m], atoms[b] - atoms[m]
            return math.acos(np.dot(u, v) / np.linalg.norm(u) / np.linalg.norm(v))

        return np.mean(
            [math.sqrt(2 * (1 - math.cos(of(self.built, *abc) - of(self.true, *abc)))) for abc in self.angles()]
        )

    def positions(self):
        return np.mean([np.sum((self.built[key] - self.true[key] - self.shift[key[0]]) ** 2) for key in self.built])

    def graph(self):
        near = [(a, b) for a, b in self.bonds() if a in self.built and b in self.built]
        near += [(a, b) for a, _, b in self.angles()]
        return np.mean([self.stretch(a, b) ** 2 for a, b in near])

    def clash(self):
        neighbours, total = self.neighbours(), 0.0
        atoms = {key: self.built.get(key, value + self.shift[key[0]]) for key, value in self.true.items()}
        for a in atoms:
            within = {a}
            for _ in range(3):
                within |= {c for b in within for c in neighbours.get(b, ())}
            for b in atoms:
                if b <= a or b in within or self.molecule[a[0]] != self.molecule[b[0]]:
                    continue
                if a not in self.built and b not in self.built:
                    continue
                kinds = a[1][0], b[1][0]
                reach = RADII[kinds[0]] + RADII[kinds[1]] - 0.4
                if set(kinds) <= {"N", "O"}:
                    reach = min(reach, 2.5)
                if kinds == ("S", "S"):
                    reach = 1.8
                total += max(0.0, reach - np.linalg.norm(atoms[a] - atoms[b]))
        return total / sum(any(known) and scored for known, scored in zip(self.known, self.scored, strict=True))


@pytest.mark.parametrize("name", ATOM_TERMS)
def test_term_of_atoms_equals_its_slow_twin(example, estimate, name):
    expected = getattr(Twin(example, estimate), name)()
    found = float(losses.atom_terms(example, estimate, [name])[name])
    assert expected > 1e-5
    assert found == pytest.approx(expected, rel=2e-4)


def test_true_atoms_have_no_positions_bond_angle_or_graph_term_to_pay(example):
    perfect = dataclasses.replace(example)
    perfect.atoms = example.internal.to_cartesian(example.batch.ca, example.torsions)
    named = losses.atom_terms(perfect, example.torsions, ATOM_TERMS)
    for name in ("bond", "angle", "positions", "graph"):
        assert float(named[name]) < 1e-5, name


def test_equivalent_atoms_may_change_their_names(example, estimate):
    before = losses.atom_terms(example, estimate, ["positions", "bond"])
    for name, pairs in EQUIVALENT_ATOMS.items():
        rows = example.batch.types == RESIDUE_NAMES.index(name)
        for a, b in pairs:
            i, j = ATOMS[name].index(a), ATOMS[name].index(b)
            swapped = example.atoms[rows]
            swapped[:, [i, j]] = swapped[:, [j, i]]
            example.atoms[rows] = swapped
    after = losses.atom_terms(example, estimate, ["positions", "bond"])
    for name in before:
        assert float(after[name]) == pytest.approx(float(before[name]), rel=1e-5)


@pytest.mark.parametrize("name", ATOM_TERMS)
def test_gradient_is_that_of_finite_differences(example, estimate, name):
    example = dataclasses.replace(example)
    example.batch.ca = example.batch.ca.double()
    example.atoms = example.atoms.double()
    torsions = estimate.double().requires_grad_()
    losses.atom_terms(example, torsions, [name])[name].backward()
    direction = torch.where(example.known, torch.randn(torsions.shape, generator=torch.Generator().manual_seed(1)), 0.0)
    with torch.no_grad():
        up, down = (
            float(losses.atom_terms(example, torsions + step * direction, [name])[name]) for step in (1e-4, -1e-4)
        )
    slope = float((torsions.grad * direction).sum())
    assert slope == pytest.approx((up - down) / 2e-4, rel=2e-2, abs=2e-4)


def test_torsion_and_kl_equal_slow_twins(model, example, monkeypatch):
    named, total = losses.terms(model, example, torch.Generator().manual_seed(5), LossWeights())

    def slow_density(logits, angles):
        width, centres = model.bins.width, -math.pi + model.bins.width * np.arange(model.bins.n_bins)
        out = []
        for row, x in zip(logits.double().reshape(-1, model.bins.n_bins), angles.double().reshape(-1), strict=True):
            share = torch.softmax(row, 0).detach().numpy() / width
            out.append(math.log(np.interp(float(x), centres, share, period=2 * math.pi)))
        return torch.tensor(out).reshape(angles.shape)

    monkeypatch.setattr(model.bins, "log_density", slow_density)
    noise = torch.randn(len(example.scored), 8, generator=torch.Generator().manual_seed(5))
    args = example.batch, example.atoms, example.mask, example.torsions, example.known
    with torch.no_grad():
        log_density, _ = model(*args, noise)
        features, _ = model.condition(example.batch)
        prior_mean, prior_log = model.prior(features).chunk(2, dim=-1)
        mean, log = model.encoder(example.batch, features, example.atoms, example.mask)
    nats = kl = weight = 0.0
    for r in range(len(example.scored)):
        if not example.scored[r] or not example.known[r].any():
            continue
        w = float(example.weights[r])
        weight += w
        nats -= w * sum(float(log_density[r, k]) for k in range(6) if example.known[r, k])
        q = torch.distributions.Normal(mean[r], (0.5 * log[r].clamp(-8, 4)).exp())
        p = torch.distributions.Normal(prior_mean[r], (0.5 * prior_log[r].clamp(-8, 4)).exp())
        kl += w * float(torch.distributions.kl_divergence(q, p).sum())
    assert float(total) == pytest.approx(weight, rel=1e-5)
    assert named["torsion"].item() == pytest.approx(nats / weight, rel=1e-4)
    assert named["kl"].item() == pytest.approx(kl / weight, rel=1e-4)
    assert named["torsion"].item() > (named["peptide"] + named["chis"]).item() > 0


def test_terms_of_weight_0_are_not_computed(model, example, monkeypatch):
    monkeypatch.setattr(losses, "atom_terms", lambda *_: pytest.fail("atoms were built"))
    named, _ = losses.terms(model, example, torch.Generator().manual_seed(0), LossWeights())
    assert set(named) == {"torsion", "kl", "peptide", "chis"}


def test_every_term_reaches_the_network(model, example):
    weights = LossWeights(**{name: 1.0 for name in ATOM_TERMS})
    named, _ = losses.terms(model, example, torch.Generator().manual_seed(0), weights)
    for name in ATOM_TERMS:
        model.zero_grad()
        named[name].backward(retain_graph=True)
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        assert all(torch.isfinite(grad).all() for grad in grads)
        assert sum(float(grad.abs().sum()) for grad in grads) > 0, name


def test_autocast_changes_terms_by_rounding_only(model, example):
    weights = LossWeights(**{name: 1.0 for name in ATOM_TERMS})
    one, two = (
        losses.terms(model, example, torch.Generator().manual_seed(0), weights, bfloat16=on)[0] for on in (False, True)
    )
    for name in one:
        assert two[name].dtype == torch.float32
        assert two[name].item() == pytest.approx(one[name].item(), rel=0.1, abs=1e-3), name


def test_nothing_scored_costs_nothing(example, estimate):
    example.scored[:] = False
    assert all(float(value) == 0 for value in losses.atom_terms(example, estimate, ATOM_TERMS).values())


def test_molecules_of_a_batch_do_not_meet(batches, estimate):
    one = batches.collate(batches.units[:1])
    two = batches.collate([batches.units[0], batches.units[0]])  # in the very same place
    values = [float(losses.atom_terms(x, x.torsions, ["clash"])["clash"]) for x in (one, two)]
    assert values[0] == pytest.approx(values[1], rel=1e-4)


def test_negative_weight_is_refused():
    with pytest.raises(ValueError, match="'clash' must be 0 or more"):
        LossWeights(clash=-1.0)
