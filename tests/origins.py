"""
Numbers without an origin, in the rooms that steer results: what `test_origins` counts, and a command that prints them.

    python tests/origins.py [package folder] [-v]

A number has an origin if it is the value of a constant of a module or of a field of a dataclass, and the comment on its
line, the comments right above it or the docstring right below it have one of `cited:`, `fitted:`, `measured:` and
`chosen:`; beside a number that is no whole one they have a unit, too. Numbers anywhere else have none, but for those
that mean nothing of their own: 0, 1, 2, 3, a half, a factor of 100 (percent), guards of 0.001 and below, small whole
numbers as indices or axes.
"""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

ROOMS = (
    *(
        "chemistry",
        "geometry",
        "torsions",
        "traces",
        "backbone",
        "packing",
        "fitting",
        "generation",
        "models",
        "recognition",
    ),
    *("completion", "conversion", "sampling", "molecule"),
)
ORIGIN = re.compile(r"\b(cited|fitted|measured|chosen):", re.IGNORECASE)
UNIT = re.compile(
    r"angstrom|radian|degree|\bnats?\b|\bkT\b|dalton|picosecond|seconds?\b|bytes|\bunit\b|shares?\b|weight|multiple|times\b"
    r"|standard (deviation|error)|deviations|power|grid steps|residues?\b|sines?\b|percent|temperature|probabilit",
    re.IGNORECASE,
)
PLAIN = {0, 1, 2, 3, 0.5}
GUARD = 1e-3
PERCENT = 100
SLOTS = 14
AXES = set(
    "sum mean norm unsqueeze squeeze transpose permute flatten unflatten expand view reshape roll cat stack split chunk"
    " index_select index_copy index_add cumsum unbind range repeat new_zeros new_empty zeros empty eye select narrow"
    " amax amin slice".split()
)


def numbers_without_origin(text):
    """Lines and values of the numbers without an origin in the source of a module."""
    tree, comments = ast.parse(text), _comments(text)
    for statement in tree.body:
        following = tree.body[tree.body.index(statement) + 1 :][:1]
        if isinstance(statement, ast.ClassDef) and _is_dataclass(statement):
            for n, field in enumerate(statement.body):
                yield from _of_constant(field, comments, statement.body[n + 1 : n + 2])
        else:
            yield from _of_constant(statement, comments, following)


def _is_dataclass(node):
    return any("dataclass" in ast.dump(decorator) for decorator in node.decorator_list)


def _comments(text):
    """The comment on each line, without code or not."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = {token.start[0]: token for token in tokens if token.type == tokenize.COMMENT}
    return {line: (token.string, not token.line[: token.start[1]].strip()) for line, token in found.items()}


def _above(line, comments):
    """The block of comments that ends right above a line."""
    words = []
    while comments.get(line := line - 1, ("", False))[1]:
        words.insert(0, comments[line][0].lstrip("# "))
    return " ".join(words)


def _of_constant(statement, comments, following):
    """Numbers without origin of a statement of a module or of a dataclass."""
    told = None
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        docstring = next((x.value.value for x in following if _is_text(x)), "")
        told = [_above(statement.lineno, comments), docstring, comments.get(statement.end_lineno, ("",))[0]]
    for node, value in _numbers(statement):
        own = [comments.get(node.lineno, ("",))[0], _above(node.lineno, comments)]
        words = "" if told is None else " ".join([*told, *own])
        whole = isinstance(value, int)
        if not (ORIGIN.search(words) and (whole or UNIT.search(words))):
            yield node.lineno, value


def _is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _numbers(node, placed=False):
    """Numbers that mean something, with their nodes; `placed`: whether this is an index, an axis or a size."""
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool) and not _plain(value, placed):
            yield node, value
        return
    percent = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)  # a factor of 100 changes the unit
    for name, child in ast.iter_fields(node):
        for part in child if isinstance(child, list) else [child]:
            if isinstance(part, ast.AST) and not (percent and getattr(part, "value", None) == PERCENT):
                yield from _numbers(part, (placed or _places(node, name)) and not isinstance(part, ast.BinOp))


def _places(node, field):
    """Whether the numbers of a field of a node say where something is."""
    if isinstance(node, ast.Subscript):
        return field == "slice"
    if isinstance(node, ast.keyword):
        return node.arg in ("dim", "dims", "axis")
    if isinstance(node, ast.Call):
        return field == "args" and getattr(node.func, "attr", getattr(node.func, "id", "")) in AXES
    return False


def _plain(value, placed):
    return abs(value) in PLAIN or abs(value) <= GUARD or (placed and isinstance(value, int) and abs(value) <= SLOTS)


def modules(package, rooms=ROOMS):
    """Sources of rooms."""
    return [path for room in rooms for path in sorted(Path(package, room).rglob("*.py"))]


def main(package="mdbackmap", *options):
    """Print how many numbers of each room have no origin, and with ``-v`` where."""
    counts = Counter()
    for path in modules(package):
        for line, value in numbers_without_origin(path.read_text()):
            counts[path.relative_to(package).parts[0]] += 1
            if "-v" in options:
                print(f"{path}:{line}: {value}")
    for room in ROOMS:
        print(f"{room:12} {counts[room]}")
    print(f"{'all':12} {sum(counts.values())}")


if __name__ == "__main__":
    main(*sys.argv[1:])
