"""How long the jobs and segments of a conversion are: what an interruption may cost, and what it must not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ConversionSettings:
    """
    Times and sizes of a conversion; none of them changes what is written.

    An interruption costs less than 10 s of work: a segment and a job.

    Examples
    --------
    >>> ConversionSettings(segment_seconds=0.0).job_seconds
    4.0
    """

    segment_seconds: float = 3.0  # s that a segment grows; chosen: by hand, so that it and a job take less than 10 s
    job_seconds: float = 4.0  # s that the structures of one job may take to generate; chosen: by hand, as above
    first_jobs: int = 4  # small jobs, before their time is known; chosen: by hand, as many as are under way at once
    first_beads: int = 400  # beads in each of these; measured: 0.2 to 0.6 s on one core, some seconds on a busy one
    worth_keeping: float = 10.0  # s of work that a bad frame does not discard; chosen: by hand, what interruptions cost
    merged: int = 16  # segments of a kind from which on they are made one (formats that do not grow); chosen: by hand
