"""`Settings`: what steers the pipeline from beads to atoms, a frozen dataclass for each of its stages."""

import dataclasses

from ..backbone.settings import BackboneSettings
from ..fitting.settings import FitSettings
from ..packing.settings import HydrogenReliefSettings, OverlapSettings, PackingSettings
from ..traces.settings import FROM_BEADS, TraceSettings

# Of simulated beads:
_RELIEF = {"restraint": 20.0}  # kT per square radian; chosen: docs/measurements.md, Simulated beads
_CANDIDATES = {"rotamers": 2.5}  # multiple; chosen: docs/measurements.md, Simulated beads
_PACKINGS = {"packings": 3}  # chosen: docs/measurements.md, Simulated beads
_OVERLAP = OverlapSettings(touch=-0.05)  # angstrom; chosen: docs/measurements.md, Simulated beads
_SETTLING = _PACKINGS | {"steps": 40, "overlap": _OVERLAP}  # chosen: docs/measurements.md, Simulated beads


@dataclasses.dataclass(frozen=True)
class Settings:
    """
    Settings of all stages; `dataclasses.replace` makes others.

    Attributes
    ----------
    traces : TraceSettings
        C-alpha traces judged, relaxed and mended.
    backbone : BackboneSettings
        Peptide angles drawn along chains.
    fitting : FitSettings
        Atoms brought onto beads.
    packing : PackingSettings
        Side chains drawn, chosen and relieved; beads settled.

    Examples
    --------
    >>> Settings().backbone.rounds
    3
    """

    traces: TraceSettings = TraceSettings()
    backbone: BackboneSettings = BackboneSettings()
    packing: PackingSettings = PackingSettings()
    fitting: FitSettings = FitSettings()

    def with_hydrogens(self):
        """
        The same, with room made for hydrogens while side chains are packed.

        Examples
        --------
        >>> Settings().packing.hydrogens, Settings().with_hydrogens().packing.hydrogens.rounds
        (None, 1)
        """
        return dataclasses.replace(self, packing=dataclasses.replace(self.packing, hydrogens=HydrogenReliefSettings()))

    def loosened(self, exact):
        """
        The same for beads of a simulation, which atoms follow more loosely.

        Parameters
        ----------
        exact : bool
            Whether C-alphas are beads: these are relaxed as those of C-alpha models are.
        """
        loose = dataclasses.replace(self, fitting=self.fitting.loosened())
        if exact:
            settling = dataclasses.replace(self.packing.settling, **_PACKINGS)
            return dataclasses.replace(loose, packing=dataclasses.replace(self.packing, settling=settling))
        relief = dataclasses.replace(self.packing.relief, **_RELIEF)
        candidates = dataclasses.replace(self.packing.candidates, **_CANDIDATES)
        settling = dataclasses.replace(self.packing.settling, **_SETTLING)
        traces = dataclasses.replace(self.traces, relaxing=FROM_BEADS)
        hydrogens = self.packing.hydrogens
        if hydrogens is not None:
            hydrogens = dataclasses.replace(hydrogens, relief=dataclasses.replace(hydrogens.relief, **_RELIEF))
        packing = dataclasses.replace(
            self.packing, hydrogens=hydrogens, relief=relief, candidates=candidates, settling=settling
        )
        return dataclasses.replace(loose, traces=traces, packing=packing)
