"""The list of slow tests, which `times.py` writes."""

from pathlib import Path

from times import LIST

CONTRACT = Path(__file__).parent / "models" / "contract.py"


def test_the_list_names_tests_that_there_are():
    """So that one that was renamed is measured again; classes inherit the tests of the contract."""
    root, contract = LIST.parent.parent, CONTRACT.read_text()
    for name in LIST.read_text().splitlines():
        file, *_, test = name.split("[")[0].split("::")
        assert (root / file).exists(), name
        assert f"def {test}(" in (root / file).read_text() + contract, name
