# The public names, for type checkers: at run time each is fetched when it is first used.
from .backmapper import Backmapper as Backmapper
from .conversion.cluster import DaskBackend as DaskBackend
from .generation.noise import Noise as Noise
from .guesser import BeadGuesser as BeadGuesser
from .loading import load_model as load_model
from .metrics.rings import pierced_rings as pierced_rings
from .molecule.mapping import Mapping as Mapping
from .molecule.mapping import MappingError as MappingError
from .molecule.topology import Topology as Topology
from .reporter import BackmapReporter as BackmapReporter
from .trajectory import BackmapTrajectory as BackmapTrajectory
from .transformation import Backmap as Backmap
from .transformation import backmap as backmap
from .universes.scaling import Scale as Scale

__all__: list[str]
__version__: str
