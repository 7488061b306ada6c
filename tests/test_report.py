"""Pictures say what is in the numbers, and the report is one file that a browser shows without anything beside it."""

import json
import re
import shutil
import subprocess
from dataclasses import replace

import MDAnalysis as mda
import numpy as np
import pytest

from mdbackmap.chemistry.residues import TYPE_OF_NAME
from mdbackmap.cli import main
from mdbackmap.datafiles import COMPLEX_PDB, GO_PDB, GO_XTC, MARTINI_GRO, TRPCAGE_PDB, TRPCAGE_XTC
from mdbackmap.evaluation import plots
from mdbackmap.evaluation.along_chain import clashing_residues
from mdbackmap.evaluation.judgement import judge, judge_alone, judged
from mdbackmap.evaluation.proteins import read_protein
from mdbackmap.evaluation.report_page import CAPTIONS, save_report
from mdbackmap.metrics.top8000 import rotamer_shares
from mdbackmap.training.log import read_log, training_curves, write

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_LOOK = """<script>addEventListener("load", () => { document.title = JSON.stringify({
images: [...document.images].map(x => [x.naturalWidth, x.getBoundingClientRect().width]),
wide: document.documentElement.scrollWidth, window: innerWidth, rows: document.querySelectorAll("tr").length,
asked: performance.getEntriesByType("resource").filter(x => !x.name.startsWith("data:")).length }); });</script>"""


@pytest.fixture(scope="module")
def chain():
    return read_protein(mda.Universe(TRPCAGE_PDB, TRPCAGE_XTC).atoms, range(0, 20, 5), name="trpcage.xtc")


@pytest.fixture(scope="module")
def judgements(chain):
    """Alone, and two samples of each frame against the reference."""
    noise = np.random.default_rng(0).normal(scale=0.4, size=(8, *chain.positions.shape[1:]))
    noise[:, :, 1] = 0
    shaken = replace(chain, positions=chain.positions.repeat(2, axis=0) + noise, name="shaken.xtc")
    return judge_alone(chain), judge(shaken, chain)


def shown(page, folder, width):
    """What a browser says of a page that it has opened in a window so many pixels wide."""
    looked = folder / "looked.html"
    looked.write_text(page.read_text().replace("</body>", f"{_LOOK}</body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},2000"]
    command = [BROWSER, *flags, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run([*command, looked.as_uri()], capture_output=True, text=True, timeout=120)
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title and title[1].startswith("{"), done.stderr[-500:]
    return json.loads(title[1])


@pytest.mark.skipif(BROWSER is None, reason="no browser")
@pytest.mark.slow
@pytest.mark.parametrize("width", [600, 1200])
def test_a_browser_shows_the_report(judgements, tmp_path, width):
    spread = np.linspace(0.1, 1.0, 20)
    page = save_report(list(judgements), tmp_path / "report.html", spread=spread, displacements=np.ones((4, 20)))
    found = shown(page, tmp_path, width)
    assert len(found["images"]) == 6 + 6 and all(natural > 500 for natural, _ in found["images"])
    assert all(200 < drawn <= width for _, drawn in found["images"]) and found["wide"] <= found["window"]
    assert found["asked"] == 0 and found["rows"] > 30


def test_the_report_needs_nothing_beside_it(judgements, tmp_path):
    page = save_report(judgements[1], tmp_path / "report.html").read_text()
    assert not re.search(r"(src|href)=(?!.data:)", page) and "<script" not in page and "url(" not in page
    assert page.count("<img") == 4 and all(CAPTIONS[key] in page for key in ("residues", "ramachandran", "clashes"))
    assert "2 samples of each" in page and "against trpcage.xtc" in page and "RMSD, all heavy atoms" in page
    assert "beyond the limits" in page and "Structures beyond the limits" in page


def test_samples_against_a_reference_show_spread_and_error(chain, tmp_path):
    noise = np.random.default_rng(0).normal(scale=0.4, size=(3, *chain.positions.shape[1:]))
    samples = replace(chain, positions=chain.positions[:1] + noise)
    found = judge(samples, replace(chain, positions=chain.positions[:1]))
    page = save_report(found, tmp_path / "report.html").read_text()
    assert 'id="uncertainty"' in page and 'id="samples"' in page and "3 samples of each" in page
    spread, error = plots.spread_and_errors(found)
    assert spread.shape == error.shape == (3, 20) and 0.2 < spread.mean() < 0.8


def test_names_are_escaped_and_several_proteins_follow_each_other(judgements, tmp_path):
    odd = replace(judgements[0], name="<b>&.xtc")
    page = save_report([odd, judgements[0]], tmp_path / "report.html").read_text()
    assert "&lt;b&gt;&amp;.xtc" in page and "<b>&.xtc" not in page and page.count("<h1>") == 2
    assert "All 4 structures keep the limits" in page


def test_check_writes_it_with_the_spread_of_b_factors(tmp_path, capsys):
    report = tmp_path / "report.html"
    u = mda.Universe(TRPCAGE_PDB)
    u.add_TopologyAttr("tempfactors", np.full(u.atoms.n_atoms, 20.0))
    u.atoms.write(str(tmp_path / "b.pdb"))
    assert main(["check", str(tmp_path / "b.pdb"), "--report", str(report), "--quiet"]) == 0
    assert capsys.readouterr().out == "" and 'id="uncertainty"' in report.read_text()
    assert main(["check", TRPCAGE_PDB, "--report", str(report), "--quiet"]) == 0
    assert 'id="uncertainty"' not in report.read_text() and 'id="validity"' in report.read_text()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["check", "--trace", GO_PDB, "--report", "x.html"], "belongs to atoms"),
        (["evaluate", "--benchmark", "--report", "x.html"], "belongs to generated proteins"),
        (["convert", GO_PDB, "-o", "x.xtc", "--part", "1/2", "--report", "x.html"], "belongs to the whole"),
    ],
)
def test_where_there_is_no_report(arguments, words, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert words in capsys.readouterr().err


def test_places_that_cannot_be_written_are_refused_first(tmp_path, capsys):
    assert main(["check", TRPCAGE_PDB, "--report", str(tmp_path)]) == 1
    assert "is a folder, expected the name of a file" in capsys.readouterr().err
    assert main(["check", TRPCAGE_PDB, "--report", ""]) == 1
    assert "is a folder, expected the name of a file" in capsys.readouterr().err
    assert main(["convert", GO_PDB, "-o", str(tmp_path / "aa.pdb"), "--report", str(tmp_path / "no" / "x.html")]) == 1
    assert "no such folder for --report" in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_convert_writes_it_with_displacements_and_spread(tmp_path, capsys):
    arguments = ["-o", str(tmp_path / "aa.xtc"), "--stop", "2", "--n-samples", "2", "--quiet"]
    assert main(["convert", str(GO_PDB), str(GO_XTC), *arguments, "--report", str(tmp_path / "r.html")]) == 0
    page = (tmp_path / "r.html").read_text()
    assert 'id="uncertainty"' in page and 'id="displacements"' in page and "56 residues, 4 frames" in page


def test_lines_along_the_chain_are_rms_values():
    values = np.array([[0.0, 3.0, np.nan], [0.0, 4.0, np.nan]])
    figure = plots.uncertainty_along_chain(values, ["A 1", "A 2", "B 1"], errors=np.ones(3), ends=[False, True, True])
    (axes,) = figure.axes
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_allclose(lines["RMS over 2 frames"][:2], [0.0, np.sqrt(12.5)])
    assert np.isnan(lines["RMS over 2 frames"][2]) and "true error" in lines
    assert [text.get_text() for text in axes.get_xticklabels()] == ["A 1", "A 2", "B 1"]
    assert any(np.all(np.asarray(line.get_xdata()) == 1.5) for line in axes.lines), "the end of chain A"
    assert plots.displacement_along_chain(np.ones(4)).axes[0].get_ylabel() == "displacement of the bead, A"


def test_the_clash_map_shows_the_clashes(chain):
    moved = chain.positions.copy()
    moved[:2, 12] += moved[:2, 3, 1:2] - moved[:2, 12, 1:2]  # residue 12 into residue 3, in two of four frames
    broken = replace(chain, positions=moved)
    share, first, second = clashing_residues(broken, range(4))
    found = dict(zip(zip(first.tolist(), second.tolist(), strict=True), share.tolist(), strict=True))
    assert found[3, 12] == 0.5
    (points,) = [x for x in plots.clash_map(judge_alone(broken)).axes[0].collections if x.get_array() is not None]
    assert [12, 3] in points.get_offsets().tolist()
    assert (
        "no clashes" in plots.clash_map(judge_alone(replace(chain, positions=chain.positions[:1]))).axes[0].get_title()
    )


def said(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def test_pictures_with_nothing_to_show_say_so(chain):
    one = replace(chain, positions=chain.positions[:1, 3:4], mask=chain.mask[3:4].copy(), types=chain.types[3:4])
    one = replace(one, ends=np.ones(1, dtype=bool), labels=chain.labels[3:4], hydrogens=None, boxes=None)
    one.mask[:, 4:] = False
    assert said(plots.ramachandran_map(judge_alone(one))) == "no residue has both phi and psi"
    assert said(plots.chi_histograms(judge_alone(one))).count("no side chain") == 2
    image = judge_alone(one).validity.plot().axes[0].images[0]
    assert image.get_clim() == (0, 1), "no fault has the colour of none"
    assert said(plots.spread_figure([], [])) == said(plots.spread_figure([1.0], [np.nan])) != ""
    assert said(plots.dihedral_maps({})) == said(plots.dihedral_maps({"MD": np.zeros((0, 2))})) != ""
    assert said(plots.displacement_along_chain(np.full((3, 4), np.nan))) == "nothing is known of any of them"
    assert said(training_curves([])) == "the log has no terms of a loss yet"


def test_what_pictures_refuse(tmp_path):
    with pytest.raises(ValueError, match="1 labels for 4 values"):
        plots.uncertainty_along_chain(np.ones((3, 4)), ["A 1"])
    with pytest.raises(TypeError, match="expected a Judgement, or the atoms of a Universe, found a str"):
        plots.clash_map("aa.pdb")
    with pytest.raises(ValueError, match="no other backbone atoms: .*check --trace"):
        plots.clash_map(mda.Universe(GO_PDB))
    with pytest.raises(ValueError, match="no CA; found are 1138 W, 76 BB, .*check --trace"):
        plots.clash_map(mda.Universe(MARTINI_GRO))
    with pytest.raises(FileNotFoundError, match="expected the folder of a run"):
        training_curves(tmp_path)


def test_pictures_of_files_of_one_name_do_not_replace_each_other(tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        shutil.copy(TRPCAGE_PDB, tmp_path / folder / "gen.pdb")
    files = [str(tmp_path / folder / "gen.pdb") for folder in "ab"]
    assert main(["evaluate", str(TRPCAGE_PDB), *files, "--plots", str(tmp_path / "p"), "--quiet"]) == 0
    names = {path.name for path in (tmp_path / "p").iterdir()}
    assert {"gen-1-chis.png", "gen-2-chis.png"} <= names and len(names) == 8


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path):
    figure = plots.displacement_along_chain(np.ones(4))
    figure.savefig = lambda file, **_: (file.write_bytes(b"half"), 1 / 0)
    with pytest.raises(ZeroDivisionError):
        plots.save_figure(figure, tmp_path, "a.png")
    assert not list(tmp_path.iterdir())


def test_maps_are_those_that_the_protein_has():
    atoms = mda.Universe(COMPLEX_PDB).atoms
    found = judged(atoms)
    assert found.validity is not None and judged(found) is found
    figure = plots.ramachandran_map(atoms)
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == 6 and titles[0].startswith("general: ") and "outliers" in titles[0]
    number = sum(int(re.search(r": (\d+)", title)[1]) for title in titles)
    assert 150 < number < 194  # two chains and a gap
    left, right = plots.chi_histograms(atoms).axes
    assert left.get_xlabel() == "chi1, degrees" and "crystals" in right.get_legend_handles_labels()[1]


@pytest.mark.parametrize(
    "name, wells", [("VAL", (0.07, 0.73, 0.20)), ("SER", (0.47, 0.22, 0.29)), ("LEU", (0, 0.3, 0.67))]
)
def test_shares_of_rotamers_are_those_of_the_literature(name, wells):
    """Shares of p, t and m of chi1: Lovell et al. 2000, Proteins 40, 389."""
    edges = np.arange(-180, 181, 10.0)
    shares = rotamer_shares(TYPE_OF_NAME[name], 0, edges)
    middle = (edges[:-1] + edges[1:]) / 2
    found = [shares[(middle > 0) & (middle < 120)].sum(), shares[np.abs(middle) > 120].sum()]
    np.testing.assert_allclose([*found, 1 - sum(found)], wells, atol=0.06)
    assert shares.sum() == pytest.approx(1, abs=1e-3)


def test_shares_of_flipped_rings_and_of_residues_without_grids():
    edges = np.arange(-180, 181, 10.0)
    tyrosine = rotamer_shares(TYPE_OF_NAME["TYR"], 1, edges)
    assert tyrosine.sum() == pytest.approx(1, abs=1e-3) and tyrosine[:9].sum() == tyrosine[27:].sum() == 0
    assert rotamer_shares(TYPE_OF_NAME["LYS"], 0, edges) is None is rotamer_shares(TYPE_OF_NAME["VAL"], 1, edges)


def test_curves_are_read_from_the_log_of_a_run(tmp_path):
    rows = [{"epoch": 1, "torsion": 2.0, "T0_rmsd": float("nan")}, {"epoch": 2, "torsion": 1.0, "T0_rmsd": 1.5}]
    write(tmp_path, rows)
    assert read_log(tmp_path) == read_log(tmp_path / "log.csv")
    assert read_log(tmp_path)[0] == {"epoch": 1, "torsion": 2.0}
    figure = training_curves(tmp_path)
    assert [axes.get_title() for axes in figure.axes] == ["nats per residue", "RMSD of samples (angstrom)"]
    assert figure.axes[1].lines[0].get_xydata().tolist() == [[2.0, 1.5]]
