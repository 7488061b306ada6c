"""`Settings`: what steers the pipeline from beads to atoms, a frozen dataclass for each of its stages."""

import dataclasses

from ..backbone.settings import BackboneSettings
from ..fitting.settings import FitSettings
from ..packing.settings import PackingSettings
from ..traces.settings import TraceSettings


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
