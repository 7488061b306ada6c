"""
Checkpoints: a model as a file that rebuilds itself and can run no code.

A checkpoint is a dict of plain values and tensors, read with `torch.load(weights_only=True)`:

========== ===========================================================
format     version of this layout (1)
family     which class: `genzprot`, `cgvae`, `chain`
config     arguments of its configuration (of a CGVAE: its molecule and mapping, too; of a chain: those of its steps)
state_dict weights, possibly in half precision
provenance where they come from: data, commit, date, metrics (plain values)
========== ===========================================================
"""

import dataclasses
import os
import pickle
import zipfile
from pathlib import Path

import torch

from .files import digest, replacing
from .models.cascade import STEPS, Cascade, CascadeConfig
from .weights.bundled import bundled

FORMAT = 1
_FAMILIES = {**STEPS, "chain": (Cascade, CascadeConfig)}
_ZIP = b"PK\x03\x04"  # how files of torch begin


class CheckpointError(ValueError):
    """A file that holds no model of this package, or one of another version."""


def find(name_or_path):
    """
    The file of a model.

    Parameters
    ----------
    name_or_path : str or path-like
        A bundled name (`bundled`) or a file.

    Raises
    ------
    FileNotFoundError
        Neither.
    TypeError
        No name at all.
    """
    known = bundled()
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise TypeError(f"model {name_or_path!r:.60}: expected a bundled name ({', '.join(known)}) or a path")
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    path = Path(name_or_path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no model {str(name_or_path)!r}: expected a bundled model ({', '.join(known) or 'none'}) or the path of "
            "a checkpoint"
        )
    return path


def save(path, model, provenance, half=False):
    """
    Write a model; the file appears under its name only when it is complete.

    Parameters
    ----------
    path : path-like
    model : Model
    provenance : dict
        Plain values: str, numbers, lists, dicts.
    half : bool
        Keep the weights in half precision (half the size; they are used in single precision all the same).
    """
    weights = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    if half:
        weights = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    content = {
        "format": FORMAT,
        "family": model.family,
        "config": dataclasses.asdict(model.config),
        "state_dict": weights,
        "provenance": dict(provenance),
    }
    with replacing(path) as aside:
        torch.save(content, aside)


def load(name_or_path):
    """
    Rebuild a model from its file.

    Returns
    -------
    model : Model
        In single precision, on the CPU, ready to sample.
    provenance : dict
        As it was saved, with `sha256` of the file and `model`, the name it was asked by.

    Raises
    ------
    FileNotFoundError
        No such model.
    CheckpointError
        A file that is no checkpoint of this package, or does not fit its own configuration.

    Examples
    --------
    >>> model, provenance = load("genzprot")
    >>> model.family
    'genzprot'
    """
    path = find(name_or_path)
    content = _read(path)
    if content["format"] != FORMAT:
        raise CheckpointError(f"{path} has format {content['format']}, this version reads {FORMAT}: update mdbackmap")
    if not isinstance(content["provenance"], dict):
        raise CheckpointError(f"{path}: its provenance is no dict but {content['provenance']!r:.60}")
    if content["family"] not in tuple(_FAMILIES):
        raise CheckpointError(f"{path} holds a model of family {content['family']!r}, known are {', '.join(_FAMILIES)}")
    family, config = _FAMILIES[content["family"]]
    try:
        model = family(config(**content["config"]))
        model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in content["state_dict"].items()})
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"{path}: weights and configuration do not fit this version: {error}") from error
    return model.eval(), {**content["provenance"], "model": path.stem, "sha256": digest(path)}


def _read(path):
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, RuntimeError, EOFError, zipfile.BadZipFile, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is no mdbackmap checkpoint: {_why_unread(path)}") from error
    expected = {"format", "family", "config", "state_dict", "provenance"}
    if not isinstance(content, dict) or not expected <= set(content):
        raise CheckpointError(f"{path} is no mdbackmap checkpoint: expected the entries {', '.join(sorted(expected))}")
    return content


def _why_unread(path):
    """What is wrong with a file that torch cannot read; its own words advise to let the file run code."""
    with open(path, "rb") as file:
        begin = file.read(len(_ZIP))
    if not begin:
        return "it is empty (0 bytes); was it written to the end?"
    if begin != _ZIP:
        return "it does not begin like one; expected a .pt file of 'mdbackmap train'"
    if not zipfile.is_zipfile(path):
        return "it is damaged or cut off; was it written, or copied, to the end?"
    return "it holds more than plain values and tensors, or is damaged; expected a .pt file of 'mdbackmap train'"
