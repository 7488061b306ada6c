"""
A device for machines that have none: it computes on the processor, but its tensors do not meet those of the processor.

``python tests/pretended.py`` samples and trains on it and compares with the processor; torch is changed for the whole
process, so tests run it in one of their own. What works here leaves no tensor on the wrong device on CUDA, either.
Mixed are allowed, as there: numbers without dimensions, copies, and indices on the processor.
"""

import contextlib
import dataclasses
import sys
import tempfile

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

NAME = "pretended"
_MAY_MIX = ("aten::copy_", "aten::index", "aten::index_put_", "aten::_index_put_impl_")


class Backend(_DummyBackendModule):
    """What torch asks a device for."""

    def get_amp_supported_dtype(self):
        return [torch.bfloat16]

    def get_rng_state(self, device=0):
        return torch.zeros(1)

    def set_rng_state(self, state, device=0):
        pass

    def device(self, device):
        return contextlib.nullcontext()


class Elsewhere(torch.Tensor):
    """A tensor of the pretended device."""

    @staticmethod
    def __new__(cls, here):
        layout = {"strides": here.stride(), "storage_offset": here.storage_offset(), "dtype": here.dtype}
        return cls._make_wrapper_subclass(
            cls, here.size(), **layout, device=torch.device(NAME, 0), requires_grad=here.requires_grad
        )

    def __init__(self, here):
        self.here = here

    def __repr__(self):
        return f"Elsewhere({self.here})"

    def __deepcopy__(self, memo):
        new = Elsewhere(self.here.detach().clone())
        return torch.nn.Parameter(new, self.requires_grad) if getattr(self, "_is_param", False) else new

    def tolist(self):
        return self.here.tolist()

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return compute(operation, args, kwargs or {})


class Pretending(TorchDispatchMode):
    """Sends operations that make tensors to where they ask for."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return compute(operation, args, kwargs or {})


def compute(operation, args, kwargs):
    """Do it on the processor, and give back tensors of the device that those given, or `device`, say."""
    name, there, here, asked = operation._schema.name, False, [], None
    for x in _leaves((*args, *kwargs.values())):
        if isinstance(x, Elsewhere):
            there = True
        elif isinstance(x, torch.Tensor) and x.ndim:
            here.append(x)
        elif isinstance(x, torch.device):
            asked = asked or x.type
    if not there and asked != NAME:
        return operation(*args, **kwargs)
    if there and here and (name not in _MAY_MIX or name.startswith("aten::index") and here[0] is args[0]):
        raise RuntimeError(f"{operation}: expected all tensors to be on the same device")
    if name == "aten::to" and len(args) > 1 and isinstance(args[1], Elsewhere):
        asked = NAME
    found = operation(*_mapped(_plain, args), **{key: _mapped(_plain, value) for key, value in kwargs.items()})
    if name.endswith("_") and isinstance(args[0], Elsewhere) and found is args[0].here:
        return args[0]
    if name == "aten::copy_" or asked not in (None, NAME):
        return found
    return _mapped(lambda x: Elsewhere(x) if isinstance(x, torch.Tensor) else x, found)


def _plain(x):
    if isinstance(x, torch.device):
        return torch.device("cpu")
    return x.here if isinstance(x, Elsewhere) else x


def _leaves(values):
    """What lists and tuples hold, at any depth; torch's own `tree_leaves` takes most of the time of the tests."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _leaves(value)
        else:
            yield value


def _mapped(function, value):
    """The same lists and tuples of what a function gives for each leaf."""
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(function, one) for one in value)
    return function(value)


class _NoGradients(torch.no_grad):
    """In place of ``torch.inference_mode``, which knows no tensors of such a kind."""

    def __new__(cls, mode=True):
        return super().__new__(cls)

    def __init__(self, mode=True):
        super().__init__()
        self.mode = mode

    def __enter__(self):
        super().__enter__()
        torch.set_grad_enabled(not self.mode)


def pretend():
    """Give torch the device; for good."""
    _setup_privateuseone_for_python_backend(NAME, backend_module=Backend())
    torch._C._set_only_lift_cpu_tensors(True)
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    torch.inference_mode = _NoGradients
    return Pretending()


# what is tried


def on_both(pretending, function):
    """What a function of a device gives on the processor and on the pretended device."""
    here = function("cpu")
    with pretending:
        return here, function(NAME)


def sampled(name, beads, temperature):
    """A function of the device that gives the atoms of a frame, of proteins with hydrogens, for which room is made."""
    import mdbackmap as mdb

    def atoms(device):
        model = mdb.load_model(name, beads, device=device, threads=1)
        return model.sample(beads.positions[None, model.indices], [0], temperature=temperature)

    return atoms


def boxed(device):
    """Atoms of two chains in a box: those of one are known, and beads of the other move."""
    import MDAnalysis as mda
    import numpy as np

    import mdbackmap as mdb
    from mdbackmap.datafiles import COMPLEX_PDB

    atoms = mda.Universe(COMPLEX_PDB).atoms
    one, other = (chain.residues[:30].atoms for chain in atoms.groupby("chainIDs").values())
    beads = mda.Merge((one + other).select_atoms("name CA"))
    beads.atoms[30:].positions += np.random.default_rng(0).normal(scale=0.3, size=(30, 3)).astype(np.float32)
    model = mdb.load_model("genzprot", beads.atoms, device=device, threads=1, keep=one)
    size = np.float32([[36, 38, 40, 80, 90, 100]])
    return model.sample(beads.atoms.positions[None, model.indices], [0], dimensions=size, bead_tolerance=0.9)


def judged_protein(device):
    """What the benchmark says of a small network on a short chain, and its likelihood."""
    import numpy as np
    from traces import tiny

    from mdbackmap.data.known import read_chains
    from mdbackmap.datafiles import VALIDATION
    from mdbackmap.evaluation.benchmark import benchmark
    from mdbackmap.evaluation.likelihood import nats_per_residue

    short, model = min(read_chains(VALIDATION), key=lambda chain: len(chain.types)), tiny().to(device)
    made = benchmark(model, [short], temperatures=[0.0], noise=0)["T=0"]["chains"][short.name]
    return [*filter(np.isfinite, made.values()), *nats_per_residue(model, VALIDATION, limit=1, n_draws=1).values()]


def judged_cascade(device):
    """What is said of a small cascade, and of a model of one molecule."""
    import numpy as np
    from molecules import model_of
    from test_steps_judged import built
    from traces import tiny

    from mdbackmap.evaluation.cascades.held_out import judge_model
    from mdbackmap.evaluation.molecule_report import judge_molecule
    from mdbackmap.models.cascade import Cascade
    from mdbackmap.molecule.grouping import group_mapping
    from mdbackmap.molecule.kinds import groups_of

    lower, atoms = built()
    upper = group_mapping(lower.coarse, groups_of("blocks:3", lower.coarse))
    found = judge_model(Cascade.of([model_of(upper), tiny()]).to(device), {}, atoms, elbo=True)
    rows = [value for name, value in found.mean.items() if name != "sampling_ms"]
    rows += [term[name] for term in found.bounds for name in ("log_density", "kl")]
    alone = judge_molecule(model_of(upper.then(lower)).to(device), atoms)
    return np.nan_to_num([*rows, *alone.table["sample"].values(), *alone.nats.values()])


def trained(device):
    """What a step of training, with all terms of the loss, and validation say of a small network."""
    import numpy as np

    from mdbackmap.data.structures import Structures
    from mdbackmap.datafiles import VALIDATION
    from mdbackmap.models.genzprot import GenZProt, GenZProtConfig
    from mdbackmap.training import loop
    from mdbackmap.training.config import TrainingConfig, ValidationConfig
    from mdbackmap.training.losses import LossWeights

    data = Structures.read(VALIDATION)
    short, shorter = np.diff(data.chains["offset"]).argsort()[1::-1]
    data.chains["split"][:] = -1
    data.chains["split"][short], data.chains["split"][shorter] = 0, 1
    terms = LossWeights(**{field.name: 0.1 for field in dataclasses.fields(LossWeights)})
    shown = ValidationConfig(chains=1)
    config = TrainingConfig(tempfile.mkdtemp(), epochs=1, noise=0.3, loss=terms, validation=shown, device=device)
    model = loop.new_model(GenZProt, GenZProtConfig(n_features=8, n_layers=1, n_neighbours=6, n_channels=2), 0)
    row = loop.train(model, data, config)[1]
    return [value for name, value in row.items() if name != "minutes"]


def main():
    """Print how far apart both are."""
    import MDAnalysis as mda
    import numpy as np

    from mdbackmap.datafiles import DIPEPTIDE_PDB, DIPEPTIDE_XTC, GO_PDB, GO_XTC, MARTINI_GRO, TRPCAGE_PDB
    from mdbackmap.molecule.named import protein_mapping
    from mdbackmap.universes.coarse import coarse_universe
    from mdbackmap.universes.protein import protein_atoms

    pretending = pretend()
    with pretending:
        try:
            torch.ones(2, device=NAME) + torch.ones(2)
        except RuntimeError as error:
            print("refused:", error)
    go = mda.Universe(GO_PDB, GO_XTC).atoms
    from mdbackmap import checkpoint

    molecule = checkpoint.load("cgvae-alanine-dipeptide")[0].molecule
    beads = coarse_universe(mda.Universe(DIPEPTIDE_PDB, DIPEPTIDE_XTC).atoms, molecule).atoms
    peptide, known = protein_atoms(mda.Universe(TRPCAGE_PDB).atoms)
    martini = coarse_universe(peptide, protein_mapping("martini3", known)).atoms
    tried = {
        "genzprot, T=1": sampled("genzprot", go, 1.0),
        "genzprot, T=0": sampled("genzprot", go, 0.0),
        "simulated Martini beads": sampled("genzprot", mda.Universe(MARTINI_GRO).select_atoms("name BB SC*"), 1.0),
        "projected Martini beads": sampled("genzprot", martini, 0.0),
        "known atoms in a box": boxed,
        "a protein model judged": judged_protein,
        "a cascade judged": judged_cascade,
        "cgvae": sampled("cgvae-alanine-dipeptide", beads, 1.0),
        "training": trained,
    }
    for what in sys.argv[1:] or tried:
        here, there = on_both(pretending, tried[what])
        print(f"{what}: {np.abs(np.subtract(here, there)).max():.6f}", flush=True)


if __name__ == "__main__":
    main()
