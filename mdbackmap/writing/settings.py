"""How long the segments of a conversion are: what an interruption may cost, and what it must not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ConversionSettings:
    """
    Times and sizes of a conversion; none of them changes what is written.

    An interruption costs a segment, and the jobs that are under way.

    Examples
    --------
    >>> ConversionSettings(segment_seconds=0.0).merged
    16
    """

    segment_seconds: float = 3.0  # s that a segment grows; chosen: by hand, little to do again
    worth_keeping: float = 10.0  # s of work that a bad frame does not discard; chosen: by hand, what interruptions cost
    merged: int = 16  # segments of a kind from which on they are made one (formats that do not grow); chosen: by hand
