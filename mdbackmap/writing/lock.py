"""
One conversion at a time in a folder: a lock that ends with the processes that hold it, however these end.

The process that runs a conversion holds the lock, and so does each of its worker processes. Workers end
themselves soon after the process that started them is gone.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import multiprocessing
import os
import socket
import threading
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system: nothing is locked
    fcntl = None

logger = logging.getLogger(__name__)

NAME = "lock"
"""Name of the file that is locked; it holds the number of the process and the name of its machine."""

_WITHOUT = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)  # file systems that have no locks
_LOOK = 0.2  # seconds between looks at a lock that is held, and of workers at their parent (chosen)
_WATCH = "mdbackmap-parent"  # name of a worker's thread that looks at its parent
_PATIENCE = 5.0  # seconds that workers of a process that was killed get to end (chosen: they need about `_LOOK`)


class InUse(FileExistsError):
    """A folder that another conversion works in."""


class Lock:
    """
    The lock of a folder. It is exclusive while it is taken, and shared with the worker processes from then on.

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    path : Path
        Of the file that is locked.

    Examples
    --------
    >>> import tempfile
    >>> one, other = (Lock(Path(tempfile.gettempdir(), ".aa.xtc.partial")) for _ in range(2))
    >>> one.take()
    >>> other.take()
    Traceback (most recent call last):
    mdbackmap.writing.lock.InUse: this process, or a worker of it, is writing this output: wait until it ends
    >>> one.remove()
    """

    def __init__(self, folder):
        self._folder, self.path = Path(folder), Path(folder) / NAME
        self._descriptor = None

    def __getstate__(self):
        folder, path = self._folder.absolute(), self.path.absolute()
        return {"_folder": folder, "path": path, "_descriptor": None}  # a lock does not travel

    def take(self):
        """
        Create the folder if need be, and lock it.

        Raises
        ------
        InUse
            Another process, or another conversion of this one, holds it.
        OSError
            The folder, or the file in it, cannot be made.
        """
        began = time.monotonic()
        while not self._try():
            holder = self._holder()
            if _lives(*holder) or time.monotonic() - began > _PATIENCE:
                raise InUse(_words(*holder))
            time.sleep(_LOOK)

    def _try(self):
        """Whether the lock was free, and is ours now."""
        self._folder.mkdir(exist_ok=True)
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the folder was removed meanwhile
            return False
        if not (_flock(descriptor, "LOCK_EX") and self._is_at_its_place(descriptor)):
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())
        if not _flock(descriptor, "LOCK_SH"):  # another one was quicker: a change of kind is not one step
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def _is_at_its_place(self, descriptor):
        """False if the file was removed between opening and locking it."""
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _holder(self):
        """Process and machine that hold the lock; None where that is not known."""
        with contextlib.suppress(OSError, ValueError):
            number, machine = self.path.read_text().split()
            return int(number), machine
        return None, None

    @contextlib.contextmanager
    def shared(self):
        """
        Hold the lock of the process that runs the conversion, too, in one of its workers.

        Raises
        ------
        OSError
            That process has lost it.
        """
        descriptor = os.open(self.path, os.O_RDWR)
        try:
            if not _flock(descriptor, "LOCK_SH"):
                raise OSError(errno.EAGAIN, f"another conversion has taken {self._folder}")
            yield
        finally:
            os.close(descriptor)

    def release(self):
        """Let others have it; nothing happens if it is not held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            _flock(descriptor, "LOCK_UN")  # for processes that were forked meanwhile, too
            os.close(descriptor)

    def remove(self):
        """Release the lock, and remove its file and the folder if nothing else is in it."""
        with contextlib.suppress(OSError):
            self.path.unlink()
            self._folder.rmdir()
        self.release()


def _flock(descriptor, kind):
    """False if another process holds the lock; True, too, where nothing can be locked."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, getattr(fcntl, kind) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _WITHOUT:
            raise
        _warn_once()
    return True


@functools.cache
def _warn_once():
    logger.warning("this file system has no locks: see that no other conversion writes the same output")


def _lives(process, machine):
    """Whether that process runs; on other machines it is taken to do so."""
    if process is None:
        return False
    if machine != socket.gethostname():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    return True


def _words(process, machine):
    if process is None:
        return "another process is writing this output: wait until it ends, or stop it"
    if process == os.getpid() and machine == socket.gethostname():
        return "this process, or a worker of it, is writing this output: wait until it ends"
    where = "" if machine == socket.gethostname() else f" on {machine}"
    return f"process {process}{where} is writing this output: wait until it ends, or stop it"


def end_with(process):
    """
    Have this process end soon after the one that started it, if that is the process of this number.

    Worker processes else go on to the end of their part after the process that waits for them was killed.

    Parameters
    ----------
    process : int
    """
    parent = multiprocessing.parent_process()
    watched = any(thread.name == _WATCH for thread in threading.enumerate())
    if parent is None or parent.pid != process or watched:
        return
    threading.Thread(target=_watch, args=(process, os.getppid()), name=_WATCH, daemon=True).start()


def _watch(process, parent):
    while os.getppid() == parent and _lives(process, socket.gethostname()):
        time.sleep(_LOOK)
    os._exit(1)
