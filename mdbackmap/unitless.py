"""
H5MD files that do not say their units, as LAMMPS and ESPResSo write them: angstrom and ps are taken.
"""

from MDAnalysis.coordinates.H5MD import H5MDReader

_DEFAULTS = {"time": "ps", "length": "Angstrom", "velocity": "Angstrom/ps", "force": "kJ/(mol*Angstrom)"}


class H5MDFrames(H5MDReader):
    """MDAnalysis' reader; where the file names no unit, MDAnalysis' own unit is taken."""

    def _check_units(self, group, unit):
        if self.units[unit] is None:
            self.units[unit] = _DEFAULTS[unit]


def missing_units(filename):
    """
    Which of its units an H5MD file does not say.

    Parameters
    ----------
    filename : path-like

    Returns
    -------
    str
        "lengths and times", either of them, or nothing.
    """
    import h5py

    with h5py.File(filename, "r") as file:
        groups = list(file["particles"].values()) if "particles" in file else []
        position = groups[0].get("position") if groups else None
        if position is None or "value" not in position:
            return ""
        found = {"lengths": position["value"], "times": position.get("time")}
        return " and ".join(name for name, data in found.items() if data is not None and "unit" not in data.attrs)
