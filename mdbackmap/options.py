"""
What a caller asks of sampling, checked once and then passed on as frozen objects.

`SamplingOptions` are the options that decide where atoms are, `Keys` what randomness is keyed by, and `Tolerance` how
far beads may move. The defaults of `Backmapper.sample`, `Backmap` and `BackmapTrajectory` are those of
`SamplingOptions`.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np

from .checks import number, plain_number, whole_number

AUTO_LIMIT = 0.9  # angstrom, RMS over a frame, that "auto" allows; measured: docs/beads.md, tables by tolerance
# Angstrom that kept atoms may put a bead off its place; chosen: by hand, about what cores of folds move in MD.
KEEP_TOLERANCE = 2.0
MIRRORS = ("error", "fix", "ignore")
WRAPS = ("whole", "wrapped", "centred")
HYDROGENS = True
"""Whether proteins get hydrogens where nothing is said."""
PH = 7.0  # chosen: by hand, neutral water
ENDS = ("charged", "neutral")
NAMES = ("amber", "charmm", "gromacs")


@dataclass(frozen=True)
class Tolerance:
    """
    How far beads may move so that a protein backbone fits them.

    Parameters
    ----------
    limit : float
        Most that the beads of a frame may move, in angstrom (RMS over the frame). 0 keeps them.
    judged : bool
        Whether each frame is judged first: one that is like those of crystals is kept.
    denoised : bool
        Whether frames that are kept are examined for noise, which is removed.
    simulated : bool
        Whether side-chain beads lie where a force field puts them: atoms follow them loosely.

    Examples
    --------
    >>> Tolerance.of("auto")
    Tolerance(limit=0.9, judged=True, denoised=True, simulated=False)
    >>> Tolerance.of(0.5)
    Tolerance(limit=0.5, judged=False, denoised=False, simulated=False)
    """

    limit: float = 0.0
    judged: bool = False
    denoised: bool = False
    simulated: bool = False

    @classmethod
    def of(cls, bead_tolerance):
        """The meaning of "auto", or of angstroms: 0 or more."""
        return cls(AUTO_LIMIT, True, True) if bead_tolerance == "auto" else cls(bead_tolerance)

    @property
    def keeps(self) -> bool:
        """Whether all beads stay where they are."""
        return self.limit == 0


@dataclass(frozen=True)
class SamplingOptions:
    """
    The options of `Backmapper.sample` that decide where atoms are.

    Parameters
    ----------
    seed : int
    temperature : float
        0 the structure of least expected error, 1 the ensemble.
    correlation_time : float
        In ps; above 0, side chains keep their rotamers for about so long (docs/options.md).
    bead_tolerance : float or "auto"
        How far beads may move, in angstrom (RMS over a frame).
    mirror : {"error", "fix", "ignore"}
        What to do with the mirror image of a protein.
    wrap : {"whole", "wrapped", "centred"}
        Where molecules lie in a periodic box.

    Raises
    ------
    ValueError
        A negative seed, temperature or correlation time; a tolerance that is neither "auto" nor a number of 0 or more;
        no such way to treat mirror images or boxes.

    Examples
    --------
    >>> SamplingOptions(temperature=1)
    SamplingOptions(seed=0, temperature=1.0, correlation_time=0.0, bead_tolerance='auto', mirror='error', wrap='whole')
    """

    seed: int = 0
    temperature: float = 1.0
    correlation_time: float = 0.0
    bead_tolerance: float | str = "auto"
    mirror: str = "error"
    wrap: str = "whole"

    def __post_init__(self):
        checked = {
            "seed": whole_number("seed", self.seed),
            "temperature": number("temperature", self.temperature),
            "correlation_time": number("correlation_time", self.correlation_time),
            "bead_tolerance": _bead_tolerance(self.bead_tolerance),
        }
        if self.mirror not in MIRRORS:
            raise ValueError(f'mirror={self.mirror!r}: expected "error", "fix" (reflect mirror images) or "ignore"')
        if self.wrap not in WRAPS:
            raise ValueError(f"wrap={self.wrap!r}: expected {', '.join(WRAPS)}")
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def tolerance(self) -> Tolerance:
        """What `bead_tolerance` means."""
        return Tolerance.of(self.bead_tolerance)

    def as_dict(self) -> dict:
        """The options as plain values, by name."""
        return asdict(self)


PROPKA, _OTHERS = "propka", "*"
"""What `protonation` may be besides forms, and the residues of which it is said beside some."""


@dataclass(frozen=True)
class HydrogenOptions:
    """
    Which hydrogens and caps a protein gets, and what its atoms are called.

    Parameters
    ----------
    hydrogens : bool, optional
        None where nothing is said: `HYDROGENS`.
    ph : float
        At which residues have their usual protons.
    protonation : dict or "propka", optional
        Forms of single residues, by chain and number: ``{"A:57": "HIP"}``. With "propka", or under "*" beside single
        residues, PROPKA says what is not said otherwise.
    ends : {"charged", "neutral"}
        First and last residues of unbroken stretches.
    names : {"amber", "charmm", "gromacs"}
        Whose names atoms and residues get.
    caps : bool, optional
        ACE and NME at the ends of unbroken stretches: True everywhere, False nowhere, None where the input has caps.

    Raises
    ------
    ValueError
        Values that there are not, or protons of a protein that gets no hydrogens.

    Examples
    --------
    >>> HydrogenOptions(True, protonation={"A:57": "HIP"}).protonation
    {'A:57': 'HIP'}
    >>> options = HydrogenOptions(protonation={"*": "propka", "A:57": "HIP"})
    >>> options.propka, options.forms
    (True, {'A:57': 'HIP'})
    """

    hydrogens: bool | None = None
    ph: float = PH
    protonation: dict | str | None = None
    ends: str = ENDS[0]
    names: str = NAMES[0]
    caps: bool | None = None

    def __post_init__(self):
        for name in ("hydrogens", "caps"):
            if getattr(self, name) not in (None, True, False):
                raise ValueError(f"{name}={getattr(self, name)!r}: expected True or False")
        number("ph", self.ph)
        asked = self.protonation.get(_OTHERS, PROPKA) if isinstance(self.protonation, dict) else self.protonation
        if asked not in (None, PROPKA):
            raise ValueError(f'protonation={self.protonation!r:.60}: expected "{PROPKA}", or forms by residue')
        for name, known in (("ends", ENDS), ("names", NAMES)):
            if getattr(self, name) not in known:
                expected = ", ".join(f'"{value}"' for value in known)
                raise ValueError(f"{name}={getattr(self, name)!r}: expected one of {expected}")
        told = {"protonation": self.protonation, "ph": self.ph != PH, "ends": self.ends != ENDS[0]}
        given = next((name for name, value in told.items() if value), None)
        if given and not self.on:
            raise ValueError(f"{given}= is about hydrogens, and there are none: add hydrogens=True, or leave it out")

    @property
    def propka(self) -> bool:
        """Whether PROPKA is asked."""
        return self.protonation == PROPKA or (isinstance(self.protonation, dict) and _OTHERS in self.protonation)

    @property
    def forms(self) -> dict:
        """Forms of single residues."""
        forms = self.protonation if isinstance(self.protonation, dict) else {}
        return {residue: form for residue, form in forms.items() if residue != _OTHERS}

    @property
    def on(self) -> bool:
        """Whether there are hydrogens."""
        return HYDROGENS if self.hydrogens is None else bool(self.hydrogens)

    def as_dict(self) -> dict:
        """
        What was asked for as plain values: whether there are hydrogens, and what else was said.

        Examples
        --------
        >>> HydrogenOptions(ph=4.0).as_dict()
        {'hydrogens': True, 'ph': 4.0}
        """
        said = {name: value for name, value in asdict(self).items() if value != getattr(HydrogenOptions, name)}
        return {"hydrogens": self.on} | {name: value for name, value in said.items() if name != "hydrogens"}

    @property
    def told(self) -> bool:
        """Whether anything was said."""
        return self != HydrogenOptions()


@dataclass(frozen=True)
class Keys:
    """
    What the randomness of structures is keyed by, beside the seed.

    Parameters
    ----------
    frames : sequence of int, length F
        Numbers of the coarse frames.
    samples : sequence of int, length F
        Which sample of each frame.
    times : sequence of float, length F
        In ps.

    Raises
    ------
    ValueError
        Frames or samples that are no whole numbers, or sequences of different lengths.

    Examples
    --------
    >>> Keys.of([4, 5], samples=1)
    Keys(frames=(4, 5), samples=(1, 1), times=(0.0, 0.0))
    >>> len(Keys.first(3)[1:])
    2
    """

    frames: tuple
    samples: tuple
    times: tuple

    def __post_init__(self):
        checked = {
            "frames": tuple(whole_number("frames", x) for x in self.frames),
            "samples": tuple(whole_number("samples", x) for x in self.samples),
            "times": tuple(float(x) for x in self.times),
        }
        for name, values in checked.items():
            object.__setattr__(self, name, values)
            if len(values) != len(self.frames):
                n = len(self.frames)
                raise ValueError(f"{name}: {len(values)} for {n} frames of beads, expected one for each")

    @classmethod
    def of(cls, frames, samples=0, times=None):
        """Keys of frames; one sample may be given for all of them, and times may be left out."""
        samples = [samples] * len(frames) if np.ndim(samples) == 0 else samples
        return cls(frames, samples, [0.0] * len(frames) if times is None else times)

    @classmethod
    def first(cls, n):
        """Keys of sample 0 of the frames 0 to n - 1, at time 0."""
        return cls.of(range(n))

    def __len__(self):
        return len(self.frames)

    def __iter__(self):
        """Frame, sample and time of each structure."""
        return zip(self.frames, self.samples, self.times, strict=True)

    def __getitem__(self, part):
        """The keys of a slice of the structures."""
        return Keys(self.frames[part], self.samples[part], self.times[part])


def _bead_tolerance(value):
    if isinstance(value, str) and value == "auto":
        return value
    limit = plain_number(value)
    if not 0 <= limit < math.inf:
        raise ValueError(f'bead_tolerance={value!r}: expected "auto", or angstroms: 0 (beads kept) or more')
    return limit
