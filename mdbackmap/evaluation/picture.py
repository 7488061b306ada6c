"""
Pictures of beads and atoms: balls for beads, sticks for atoms, drawn by matplotlib without a molecule viewer.

Everything is a short thick line with round ends, painted from the back to the front, paler the farther away. Lengths
are in angstrom. Plain numpy and matplotlib; the molecule is a `Mapping` and two arrays of positions.
"""

import numpy as np

ELEMENT_COLOURS = {"N": "#3050d8", "O": "#d8302a", "S": "#d9b310", "H": "#dcdcdc"}
BEAD_RADIUS = 1.35
STICK_RADIUS = 0.26
_LIGHT = np.array([-0.35, 0.45])  # where highlights sit on a ball, in units of its radius
_FOG = 0.62  # share of white at the far end


def beads_and_atoms(mapping, beads, atoms, filename=None, *, title=None):
    """
    Draw one frame three times: its beads, its atoms, and a close-up of both.

    Parameters
    ----------
    mapping : Mapping
        What joins beads and atoms.
    beads : ndarray of float, shape (N, 3)
        Bead positions, in angstrom.
    atoms : ndarray of float, shape (A, 3)
        Atom positions, in angstrom.
    filename : str or Path, optional
        Where to save the figure, such as ``picture.png``.
    title : str, optional
        A line above the panels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the positions are not those of the mapping's beads and atoms.

    Examples
    --------
    >>> from mdbackmap import Mapping, Topology
    >>> from mdbackmap.evaluation.picture import beads_and_atoms
    >>> coarse = Topology(["CA", "CA"], ["", ""], [0, 1], ["GLY", "GLY"], [1, 2], ["", ""], ["A", "A"], ["", ""])
    >>> mapping = Mapping.ca(coarse)
    >>> beads = np.array([[0.0, 0, 0], [3.8, 0, 0]])
    >>> beads_and_atoms(mapping, beads, mapping.lift(beads)).axes[0].get_title()
    '2 beads'
    """
    from matplotlib.figure import Figure

    beads, atoms = np.asarray(beads, float), np.asarray(atoms, float)
    if beads.shape != (mapping.n_beads, 3) or atoms.shape != (mapping.n_atoms, 3):
        raise ValueError(
            f"expected positions of {mapping.n_beads} beads and {mapping.n_atoms} atoms, (n, 3) each, "
            f"not {beads.shape} and {atoms.shape}"
        )
    turn, centre = viewpoint(beads)
    beads, atoms = (beads - centre) @ turn, (atoms - centre) @ turn
    figure = Figure(figsize=(13, 4.5 if title else 4.2), dpi=120, facecolor="white")
    panels = figure.subplots(1, 3)
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.85 if title else 0.91, wspace=0.02)
    draw_beads(panels[0], mapping, beads)
    panels[0].set_title(f"{mapping.n_beads} beads")
    draw_atoms(panels[1], mapping, atoms)
    panels[1].set_title(f"{mapping.n_atoms} atoms (N blue, O red, S yellow)")
    draw_close_up(panels[2], mapping, beads, atoms)
    panels[2].set_title("both, close-up")
    if title:
        figure.suptitle(title, fontsize=13)
    if filename is not None:
        figure.savefig(filename)
    return figure


def viewpoint(positions):
    """
    A rotation and a centre that show a molecule from its broad side, its longest axis across.

    Parameters
    ----------
    positions : ndarray of float, shape (n, 3)

    Returns
    -------
    turn : ndarray of float, shape (3, 3)
        ``(positions - centre) @ turn`` has the screen's x and y first and the depth (nearer is larger) last.
    centre : ndarray of float, shape (3,)
    """
    centre = positions.mean(axis=0)
    _, _, axes = np.linalg.svd(positions - centre, full_matrices=True)
    axes[2] *= np.sign(np.linalg.det(axes))
    return axes.T, centre


def draw_beads(panel, mapping, beads):
    """Balls joined by tubes, coloured along each chain; `beads` (N, 3) is turned to the screen."""
    scene = _Scene()
    colours = _rainbow(mapping.n_beads)
    scene.sticks(beads, _joined(mapping.coarse), colours, 0.45)
    scene.balls(beads, colours, BEAD_RADIUS)
    scene.paint(panel, beads, margin=3.0)


def _joined(coarse):
    """Pairs of beads (p, 2): neighbours along a chain where residues have one bead each, else those that are bonded."""
    if coarse.n_atoms > coarse.n_residues:
        return coarse.bonds
    residue = coarse.residue_of_atom
    first = np.flatnonzero((np.diff(residue) == 1) & ~coarse.ends[residue[:-1]])
    return np.stack([first, first + 1], axis=1)


def draw_atoms(panel, mapping, atoms):
    """Sticks, carbon in the colour of the residue's place in the chain; `atoms` (A, 3) is turned to the screen."""
    scene = _Scene()
    scene.sticks(atoms, mapping.fine.bonds, _atom_colours(mapping), STICK_RADIUS)
    scene.paint(panel, atoms, margin=1.5)


def draw_close_up(panel, mapping, beads, atoms, radius=7.5):
    """
    Beads as glass balls and atoms as sticks, around a bead in front where many are close on the screen.

    Parameters
    ----------
    panel : matplotlib Axes
    mapping : Mapping
    beads : ndarray of float, shape (N, 3)
        Turned to the screen, angstrom.
    atoms : ndarray of float, shape (A, 3)
    radius : float
        Half the width of what is shown, angstrom.
    """
    middle = beads[_most_visible(beads)]
    near = np.linalg.norm(atoms[:, :2] - middle[:2], axis=1) < 1.6 * radius
    near &= np.abs(atoms[:, 2] - middle[2]) < 6.0
    bonds = mapping.fine.bonds[near[mapping.fine.bonds].all(axis=1)]
    shown = np.abs(beads[:, 2] - middle[2]) < 6.0
    scene = _Scene()
    scene.sticks(atoms, bonds, _atom_colours(mapping), STICK_RADIUS)
    scene.glass_balls(beads[shown], _rainbow(mapping.n_beads)[shown], 1.0)
    scene.paint(panel, middle[None] + radius * np.array([[-1.0, -1, 0], [1, 1, 0]]), margin=0.0)


def _most_visible(beads):
    crowd = np.exp(-(((beads[:, None, :2] - beads[None, :, :2]) / 5.0) ** 2).sum(-1)).sum(1)
    return int(np.argmax(crowd + 0.3 * beads[:, 2]))


def _rainbow(n):
    from matplotlib import colormaps

    return colormaps["turbo"](np.linspace(0.08, 0.92, max(n, 1)))[:, :3]


def _atom_colours(mapping):
    from matplotlib.colors import to_rgb

    colours = 0.85 * _rainbow(mapping.n_beads)[mapping.bead_of_atom] + 0.15 * 0.5
    for element, colour in ELEMENT_COLOURS.items():
        colours[mapping.fine.elements == element] = to_rgb(colour)
    return colours


class _Scene:
    """Thick round-ended lines with a width, a colour and a depth each, painted back to front."""

    def __init__(self):
        self._parts = []  # (from (n, 3), to (n, 3), width (n,), rgba (n, 4))

    def _add(self, start, end, width, rgb, alpha=1.0):
        rgba = np.column_stack([np.clip(rgb, 0, 1), np.full(len(rgb), alpha)])
        self._parts.append((start, end, np.full(len(rgb), 2.0 * width), rgba))

    def sticks(self, positions, pairs, colours, radius):
        """
        Tubes between pairs of points, each half in the colour of its end.

        Parameters
        ----------
        positions : ndarray of float, shape (n, 3)
        pairs : ndarray of int, shape (p, 2)
        colours : ndarray of float, shape (n, 3)
            Red, green and blue from 0 to 1.
        radius : float
            Angstrom.
        """
        a, b = positions[pairs[:, 0]], positions[pairs[:, 1]]
        behind = np.array([0, 0, 0.25])
        for end, other, colour in ((a, b, colours[pairs[:, 0]]), (b, a, colours[pairs[:, 1]])):
            middle = (end + other) / 2
            self._add(end - behind, middle - behind, 1.35 * radius, 0.35 * colour)
            self._add(end, middle, radius, 0.92 * colour)
            gleam = np.array([*(0.3 * radius * _LIGHT), 0.01])
            self._add(end + gleam, middle + gleam, 0.35 * radius, 0.55 * colour + 0.45)

    def balls(self, positions, colours, radius):
        """Shaded balls."""
        self._dots(positions - [0, 0, 0.05], 0.3 * colours, 1.07 * radius)
        for step in np.linspace(0, 1, 9):
            light = 0.75 + 0.25 * step
            colour = light * colours * (1 - 0.55 * step**2) + 0.55 * step**2
            self._dots(positions + [*(_LIGHT * radius * 0.8 * step), 0.02 * step], colour, radius * (1 - 0.93 * step))

    def glass_balls(self, positions, colours, radius):
        """Balls that one looks through."""
        front = positions + [0, 0, radius]
        self._dots(front, 0.4 * colours, radius, 0.3)
        self._dots(front + [0, 0, 0.01], 0.6 * colours + 0.4, 0.93 * radius, 0.4)
        self._dots(front + [*(0.9 * _LIGHT * radius), 0.02], np.ones_like(colours), 0.22 * radius, 0.8)

    def _dots(self, positions, colours, radius, alpha=1.0):
        self._add(positions, positions + [0.02, 0, 0], radius, colours, alpha)

    def paint(self, panel, extent, margin):
        """Draw into a panel whose limits take in `extent` (n, 3)."""
        from matplotlib.collections import LineCollection

        start, end, width, rgba = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        points_per_angstrom = _frame(panel, extent, margin)
        depth = (start[:, 2] + end[:, 2]) / 2
        fog = _FOG * (depth.max() - depth) / max(np.ptp(depth), 1e-6)
        rgba[:, :3] += (1 - rgba[:, :3]) * fog[:, None] ** 1.3
        order = np.argsort(depth, kind="stable")
        lines = LineCollection(
            np.stack([start[order, :2], end[order, :2]], axis=1),
            linewidths=width[order] * points_per_angstrom,
            colors=rgba[order],
            capstyle="round",
            snap=False,
        )
        panel.add_collection(lines)


def _frame(panel, extent, margin):
    """Fix the limits of a panel around points; return points (1/72 inch) an angstrom."""
    box = panel.get_position()
    size = np.array([box.width, box.height]) * panel.figure.get_size_inches()
    low, high = extent[:, :2].min(axis=0) - margin, extent[:, :2].max(axis=0) + margin
    scale = ((high - low) / size).max()
    middle, half = (low + high) / 2, scale * size / 2
    x, y = np.transpose([middle - half, middle + half])
    panel.set(xlim=x, ylim=y)
    panel.set_axis_off()
    return 72 / scale
