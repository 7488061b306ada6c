"""
The command line: ``mdbackmap VERB``; the verbs are those of `VERBS`.

Each verb is one module with two functions: ``add_parser(verbs)`` declares its options and ``run(args)`` does the work;
where options can contradict each other, a third one, ``check(args)``, tells what is wrong, or None.
This module joins them and decides what all verbs share: threads, messages, errors and exit status.

=========== =======================================================
exit status meaning
=========== =======================================================
0           done
1           refused or failed; one sentence on stderr says why
2           wrong usage
130         interrupted (Ctrl-C)
141         the reader of the output has closed it (as ``| head`` does)
=========== =======================================================

Warnings and one short line of what happened are always shown; ``--verbose`` adds details, ``--quiet`` leaves warnings
and errors, ``--debug`` adds the traceback of an error and the warnings of other packages to the details.

Nothing here loads torch or MDAnalysis before the environment for their threads is set.
"""

import argparse
import contextlib
import ctypes
import logging
import os
import sys
import traceback
import warnings

from .. import __version__
from . import check, coarsen, completion, convert, datafiles, demo, doctor, evaluate, join, models, pack, train

VERBS = (convert, join, coarsen, check, evaluate, pack, train, demo, datafiles, models, doctor, completion)


def main(argv=None):
    """
    Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        Arguments without the program's name; ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    SystemExit
        With status 2 for wrong usage, 0 for ``--help`` and ``--version``.

    Examples
    --------
    >>> from mdbackmap.cli import main
    >>> main(["models", "--names"])
    cgvae-alanine-dipeptide
    cgvae-chignolin
    genzprot
    0
    """
    parser = build_parser()
    args = parse(parser, argv)
    if args.verb is None:
        parser.print_help(sys.stderr)
        return 2
    args.threads = set_threads(getattr(args, "threads", None))
    keep_memory()
    with messages(quiet=args.quiet, verbose=args.verbose, debug=args.debug):
        try:
            args.run(args)
            sys.stdout.flush()
        except BrokenPipeError:
            _forget_output()
            return 141
        except KeyboardInterrupt:
            print(f"mdbackmap: interrupted{getattr(args, 'after_interrupt', '')}", file=sys.stderr)
            return 130
        except Exception as error:
            if args.debug:
                traceback.print_exc()
            print(f"mdbackmap: error: {sentence(error)}", file=sys.stderr)
            if argv is None:
                _leave_hdf5(1)
            return 1
    return 0


def _forget_output():
    """Discard what is still to be printed: Python would report at exit that the reader has closed the output."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _leave_hdf5(status):
    """End the process here if HDF5 has files that it cannot close, as on a full disk: it would crash at exit."""
    h5f = getattr(sys.modules.get("h5py"), "h5f", None)
    if h5f is not None and h5f.get_obj_count(h5f.OBJ_ALL, h5f.OBJ_FILE):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def build_parser():
    """The parser of the whole command line, one subparser a verb."""
    parser = argparse.ArgumentParser(
        prog="mdbackmap",
        description="Put the atoms back into coarse-grained protein trajectories.",
        epilog="'mdbackmap VERB --help' shows the options of a verb. Start with 'mdbackmap demo'.",
    )
    parser.add_argument("--version", action="version", version=f"mdbackmap {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    for verb in VERBS:
        subparser = verb.add_parser(verbs)
        _add_messages(subparser.add_argument_group("messages"))
        subparser.set_defaults(run=verb.run, check=getattr(verb, "check", None), usage_error=subparser.error)
    return parser


def _add_messages(group):
    less_or_more = group.add_mutually_exclusive_group()
    less_or_more.add_argument(
        "--quiet", action="store_true", help="no progress bar and no report, only warnings and errors"
    )
    less_or_more.add_argument("--verbose", action="store_true", help="details: what was found and decided, and why")
    group.add_argument("--debug", action="store_true", help="details, every warning, and the traceback of an error")


def parse(parser, argv=None):
    """Parse the arguments; a trajectory may also be named after options, and each verb checks what belongs together."""
    args, others = parser.parse_known_args(argv)
    args.argv = list(sys.argv[1:] if argv is None else argv)
    if others and hasattr(args, "trajectory") and not any(other.startswith("-") for other in others):
        args.trajectory, others = [*args.trajectory, *others], []
    check = getattr(args, "check", None)
    problem = f"unrecognized arguments: {' '.join(others)}" if others else check and check(args)
    if problem:
        getattr(args, "usage_error", parser.error)(problem)
    return args


def set_threads(requested=None, environ=os.environ):
    """
    Decide how many threads torch gets, and let idle OpenMP threads sleep.

    The number asked for; else ``OMP_NUM_THREADS``, else ``SLURM_CPUS_PER_TASK``, else the processors that this process
    may run on. ``OMP_WAIT_POLICY=passive`` is set where the user has not set it: threads that spin while they wait cost
    up to ten times on a busy machine. It takes effect only before torch is loaded.

    Parameters
    ----------
    requested : int, optional
        The number asked for.
    environ : dict
        The environment to read and to change.

    Returns
    -------
    int

    Examples
    --------
    >>> set_threads(None, {"SLURM_CPUS_PER_TASK": "3"})
    3
    >>> set_threads(5, {"SLURM_CPUS_PER_TASK": "3"})
    5
    """
    environ.setdefault("OMP_WAIT_POLICY", "passive")
    if requested is not None:
        return requested
    for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"):
        if environ.get(name, "").isdigit() and int(environ[name]) > 0:
            return int(environ[name])
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_memory():
    """
    Have the C library keep what is freed, up to 256 MB, for the next batch, instead of giving pages back.

    Only where it is glibc's, and where the user has set none of its ``MALLOC_`` variables.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, n_bytes in ((-3, 2**25), (-1, 2**28), (-2, 2**24)):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD
            mallopt(option, n_bytes)


@contextlib.contextmanager
def messages(quiet=False, verbose=False, debug=False):
    """Show the package's log and warnings as plain lines on stderr, and keep those of other packages to ``--debug``."""
    logger = logging.getLogger("mdbackmap")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug or verbose else logging.WARNING if quiet else logging.INFO)
    hooks = sys.unraisablehook, sys.excepthook
    try:
        with warnings.catch_warnings():
            if not debug:
                sys.unraisablehook = sys.excepthook = _ignore  # files that MDAnalysis and h5py cannot open or close
                warnings.simplefilter("ignore")
                warnings.filterwarnings("default", category=UserWarning, module="mdbackmap")
                warnings.showwarning = _show_warning
            yield
    finally:
        sys.unraisablehook, sys.excepthook = hooks
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Line(logging.Formatter):
    def format(self, record):
        kind = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        return f"mdbackmap: {kind}{record.getMessage()}"


def _ignore(*_):
    pass


def _show_warning(message, category, filename, lineno, file=None, line=None):
    if issubclass(category, DeprecationWarning) or "has no dt information" in str(message):  # MDAnalysis, in our name
        return
    print(f"mdbackmap: warning: {sentence(message)}", file=sys.stderr)


def sentence(error):
    r"""
    An error's message on one line; its type's name where it has none.

    Examples
    --------
    >>> sentence(ValueError("two\n  lines"))
    'two lines'
    >>> sentence(OSError(5, "cannot write aa.xtc")), sentence(PermissionError(13, "Permission denied", "aa.xtc"))
    ('cannot write aa.xtc', 'Permission denied: aa.xtc')
    """
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
    if isinstance(error, KeyError) or not text:
        text = f"{type(error).__name__}: {text}".rstrip(": ")
    return text
