"""How comments and docstrings are written: words of the field, one notation of shapes, parameters of public names."""

import ast
import inspect
import io
import re
import tokenize
from pathlib import Path

import pytest
from pages import DOCS, README
from public import public

import mdbackmap

PACKAGE = Path(mdbackmap.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
BANNED = re.compile(
    r"\b(keeps? (its|their) mind|makes? room|nobody's|felt|feels?|stuck|rid(e|es|ing) on|riders?|unbearable|"
    r"knows? better|sure of (itself|themselves)|(is|are|was|were) told|happ(y|ier|ily)|swayed|guests?)\b",
    flags=re.IGNORECASE,
)
_SHAPE = r"\((?:\.\.\.|\w+(?: [-+*] \w+)*),(?:[^()]|\([^()]*\))*\)"
_TYPE = r"(?:float|int|bool|str|object|float32|float64|int64|uint8)"
ODD_SHAPE = re.compile(  # "(F, N, 3) float array", "torch.Tensor (F, N, 3)", "ndarray (F, N, 3)"
    rf"^\s*(?:[\w*]+(?:, [\w*]+)* : )?(?:{_SHAPE} (?:{_TYPE} )?(?:array|ndarray)s?\b|"
    rf"(?:torch\.Tensor|numpy\.ndarray|ndarray|array_like)(?: of \w+)? {_SHAPE})"
)


def docstrings(text):
    """Docstrings of a module, its classes and functions."""
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, holders)]


def comments(text):
    """Comments of a module."""
    return [token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type == 65]


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_words_are_those_of_the_field(file):
    text = file.read_text()
    assert [line for line in [*comments(text), *"\n".join(docstrings(text)).splitlines()] if BANNED.search(line)] == []


@pytest.mark.parametrize("page", [README, *DOCS], ids=lambda page: page.name)
def test_pages_use_the_same_words(page):
    assert [line for line in page.read_text().splitlines() if BANNED.search(line)] == []


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_shapes_have_one_notation(file):
    """``name : ndarray of float, shape (F, N, 3)``; a module says what it is on one line."""
    text = file.read_text()
    lines = [line for docstring in docstrings(text) for line in docstring.splitlines()]
    assert [line for line in lines if ODD_SHAPE.match(line)] == []
    assert (ast.get_docstring(ast.parse(text)) or "").partition("\n")[2][:1] in ("", "\n")


def test_other_notations_are_seen():
    odd = ("beads : (F, N, 3) float array", "torch.Tensor (n, 6) int64", "(A,) array", "x : array_like of int (k,)")
    assert all(ODD_SHAPE.match(line) for line in odd) and BANNED.search("atoms that Ride on beads")
    fine = (
        "beads : ndarray of float, shape (F, N, 3)",
        "a : torch.Tensor, shape (F,)",
        "Positions (F, A, 3) of atoms.",
    )
    assert not any(ODD_SHAPE.match(line) for line in fine) and not BANNED.search("a ring of atoms on an array")


@pytest.mark.parametrize("name, found", list(public()), ids=[name for name, _ in public()])
def test_parameters_of_public_names_are_documented(name, found):
    """Each has a line in the Parameters of its function or class, unless a docstring of one line says all."""
    try:
        names = [name for name in inspect.signature(found).parameters if name not in ("self", "cls")]
    except ValueError:  # a class without a signature
        return
    text = inspect.getdoc(found) or ""
    if "\n" not in text or "arguments as of" in text:
        return
    section = re.search(r"Parameters\n-+\n(.*?)(?=\n\n[A-Z]\w+\n-+|\Z)", text, flags=re.DOTALL)
    heads = re.findall(r"^(\S.*?)(?: : .*)?$", section[1], flags=re.MULTILINE) if section else []
    documented = [part.strip("*` ") for head in heads for part in head.split(", ")]
    assert sorted(names) == sorted(documented)
