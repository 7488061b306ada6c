"""
What must hold of every case, whatever goes in.

* No exception but the documented ones; exit status 0, 1 or 2.
* Messages are sentences, without words of Python or numpy.
* Atoms are finite, and as many as there should be; so are frames.
* After a failure no file has a final name, what was there is as it was, and no hidden folder is left.
"""

import re
import warnings

import MDAnalysis as mda
import numpy as np

DOCUMENTED = (ValueError, TypeError, OSError)  # MappingError, CheckpointError, FileNotFoundError, ... are among them
PYTHON_WORDS = re.compile(
    r"Traceback|NoneType|\b[A-Za-z]+(?:Error|Exception)\b|(?:list|tuple|string) index|out of bounds for axis|"
    r"\baxis \d|object has no|not subscriptable|unhashable|not iterable|invalid literal|could not convert|"
    r"could not be broadcast|to unpack|ndarray|dtype|<class|object at 0x|division by zero|StopIteration|"
    r"positional argument|unexpected keyword|codec can't|\[Errno|\bnan apart|has no len|must be str|zero-size array|"
    r"argument must be|NaTType|not enough values|cannot reshape|boolean index|truth value of an"
)
LONGEST = 900  # characters of one message; chosen


class Broken(AssertionError):
    """Something that must hold does not."""


def demand(holds, what):
    """Raise `Broken` unless it holds."""
    if not holds:
        raise Broken(what)


def sentence(text, what="message"):
    """A message that a user can read."""
    demand(len(text.split()) >= 3, f"no sentence ({what}): {text!r}")
    found = PYTHON_WORDS.search(text)
    demand(not found, f"a word of Python, {found and found[0]!r} ({what}): {text!r}")
    demand(len(text) <= LONGEST, f"{len(text)} characters ({what}): {text!r}")


def messages(stderr, debug=False):
    """Judge the lines of stderr; the errors among them."""
    lines = [line for line in stderr.splitlines() if re.match(r"mdbackmap( \w+)?: ", line)]
    errors = [line for line in lines if re.match(r"mdbackmap( \w+)?: error: ", line)]
    for line in errors if debug else lines:
        sentence(line.split(": ", 1)[1].removeprefix("error: "), "stderr")
    if not debug:
        demand("Traceback (most recent" not in stderr, f"a traceback: {stderr[-1500:]}")
    demand(len(errors) <= 1, f"several errors: {errors}")
    return errors


def refused(folder, before, stderr):
    """After a failure the output's folder is as it was; a hidden folder only where frames are said to be kept."""
    after = snapshot(folder)
    hidden = {name for name in after if name.startswith(".")}
    demand(not hidden or "complete and kept" in stderr, f"left behind: {sorted(hidden)}")
    seen = {name: content for name, content in after.items() if name not in hidden}
    changed = {name for name in seen.keys() | before.keys() if seen.get(name) != before.get(name)}
    demand(not changed, f"changed by a failure: {sorted(changed)}")


def snapshot(folder):
    """Names and contents of what is in a folder."""
    return {p.name: p.read_bytes() if p.is_file() else None for p in folder.iterdir()}


def no_traces(folder):
    """After success nothing hidden is left."""
    hidden = [p.name for p in folder.iterdir() if p.name.startswith(".") and not p.name.endswith((".npz", ".lock"))]
    demand(not hidden, f"left behind after success: {hidden}")


def written(topology, trajectory, n_frames=None, n_residues=None):
    """Read an output back, and count."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files = [str(topology)] if topology == trajectory else [str(topology), str(trajectory)]
        u = mda.Universe(*files)
        finite = [bool(np.isfinite(ts.positions).all()) for ts in u.trajectory]
    demand(all(finite), f"atoms that are not finite, in frames {np.flatnonzero(~np.array(finite)).tolist()}")
    demand(len(finite) > 0, "no frames in the output")
    if n_frames is not None:
        demand(len(finite) == n_frames, f"{len(finite)} frames written, {n_frames} asked for")
    if n_residues is not None:
        n_ca = len(u.select_atoms("name CA"))
        demand(n_ca == n_residues, f"{n_ca} C-alphas written, the input has {n_residues} residues")
    return u


def documented(error):
    """An exception of the Python API."""
    demand(isinstance(error, DOCUMENTED), f"{type(error).__name__}: {error}")
    sentence(str(error), type(error).__name__)
