"""Why an output could not be written, in plain words."""

from __future__ import annotations

import errno
import shutil

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_WORDS = ("No space left", "Disk quota exceeded")
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_SPACE = 1 << 20  # bytes; a disk with less is full (chosen: writers buffer less than that)


def why_not_written(error, folder):
    """
    The reason, if writing was what failed.

    Writers in C tell only that something failed: then the disk itself is asked.

    Parameters
    ----------
    error : BaseException
        What ended a conversion.
    folder : Path
        Where it was writing.

    Returns
    -------
    str or None
        None if the error is about something else.
    """
    number, text = getattr(error, "errno", None), str(error)
    if number in _FULL or any(words in text for words in _FULL_WORDS):
        return "no space left on the disk"
    if number == errno.EFBIG or "File too large" in text:
        return "the file may not grow any more (a limit on the size of files)"
    if not isinstance(error, (OSError, RuntimeError)) or isinstance(error, FileExistsError):
        return None
    if not folder.is_dir():
        return f"{folder}, where unfinished frames are kept, was removed meanwhile"
    if shutil.disk_usage(folder).free < _NO_SPACE:  # HDF5 raises RuntimeError then, with words that do not help
        return "no space left on the disk"
    if number in _REFUSED and str(folder.parent) in text:
        return f"no permission to write in {folder.parent}"
    unknown = type(error) is OSError and number in (None, errno.EIO)
    return f"{text} (a full disk, or a quota?)" if unknown else None
