"""H5MD files that do not say their units, as LAMMPS and ESPResSo write them: angstrom and ps are taken."""

from MDAnalysis.coordinates.H5MD import H5MDReader

_DEFAULTS = {"time": "ps", "length": "Angstrom", "velocity": "Angstrom/ps", "force": "kJ/(mol*Angstrom)"}
_TOLD = ("length", "time")  # of what is missing


class H5MDFrames(H5MDReader):
    """
    MDAnalysis' reader; where the file names no unit, MDAnalysis' own unit is taken.

    Attributes
    ----------
    unsaid : list of str
        "length in angstrom", "time in ps": units that the file does not name.

    Raises
    ------
    ValueError
        A unit that MDAnalysis does not know, unless ``convert_units=False``.
    """

    def _translate_h5md_units(self, group, unit):
        self.units[unit] = None
        data = self._with_unit(group)
        name = None if data is None else data.attrs.get("unit")
        name = name.decode() if isinstance(name, bytes) else name
        if name:
            self.units[unit] = self._unit_translation[unit].get(str(name))
            if self.units[unit] is None and self.convert_units:
                raise ValueError(
                    f"its unit of {unit} is {str(name)!r}, which MDAnalysis does not know: --reader-option "
                    "convert_units=False takes the numbers as they are, and --scale multiplies lengths"
                )

    def _check_units(self, group, unit):
        if self.units[unit] is None and self.convert_units:
            self.units[unit] = _DEFAULTS[unit]
            if unit in _TOLD and self._with_unit(group) is not None:
                word = _DEFAULTS[unit].lower()
                self.unsaid = [*getattr(self, "unsaid", []), f"{unit} in {word}"]

    def _with_unit(self, group):
        """The data set that names a unit: values, or times of the first group that there is."""
        if group != "time":
            return self._particle_group[group]["value"] if self._has[group] else None
        first = next((name for name, there in self._has.items() if there), None)
        return None if first is None else self._particle_group[first].get("time")
