"""How many structures a job may hold, so that an interruption costs little time."""

from __future__ import annotations

from ..writing.settings import ConversionSettings

_DEFAULT = ConversionSettings()


class Pace:
    """
    Sizes of the jobs of one part of a conversion.

    Where jobs are quick, they begin and end at places that depend on nothing but the part, so that a resumed
    conversion has the same jobs. Only where they are slow does their time decide.

    Parameters
    ----------
    batch_size : int
        Structures in a job at most.
    n_beads : int
    start : int
        Place of the part's first structure in the output.
    seconds : float, optional
        What a structure took in the conversion that is resumed; 0 if that is not known.
    settings : ConversionSettings, optional

    Examples
    --------
    >>> pace = Pace(batch_size=100, n_beads=20, start=0)
    >>> [pace.size_at(place) for place in (0, 20, 40, 60, 80, 180, 200)]
    [20, 20, 20, 20, 100, 100, 80]
    >>> pace.took(100, seconds=8.0)
    >>> pace.size_at(180)
    50
    """

    def __init__(self, batch_size, n_beads, start, seconds=0.0, settings=_DEFAULT):
        self._batch_size, self._start, self.seconds = batch_size, start, seconds
        self._settings = settings
        self._first = min(batch_size, max(1, settings.first_beads // n_beads))

    def size_at(self, place) -> int:
        """How many structures a job that begins at that place may hold."""
        at = place - self._start
        behind = at - self._settings.first_jobs * self._first
        size = self._first - at % self._first if behind < 0 else self._batch_size - behind % self._batch_size
        longest = self._settings.job_seconds
        return max(1, int(longest / self.seconds)) if size * self.seconds > longest else size

    def took(self, n_structures, seconds):
        """Tell how long a job took to generate."""
        self.seconds = seconds / n_structures
