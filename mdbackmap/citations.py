"""
Papers of the methods that a script used, for duecredit: ``python -m duecredit script.py`` lists them at the end.

Nothing is loaded unless duecredit is there already or asked for by ``DUECREDIT_ENABLE=yes``. `CITATION.cff` has more.
"""

import os
import sys

PAPERS = {
    "genzprot": ("10.48550/arXiv.2303.01569", "GenZProt: atoms of any protein for its C-alphas"),
    "cgvae": ("10.48550/arXiv.2201.12176", "CGVAE: atoms of one molecule for its beads"),
    "chain": ("10.48550/arXiv.2505.18082", "Backmapping in steps: several models in a row"),
}


def cite(family):
    """
    Tell duecredit which method is used, if it listens.

    Parameters
    ----------
    family : str
        Of a model: one of `PAPERS`; others have none.

    Returns
    -------
    bool
        Whether duecredit took it.

    Examples
    --------
    >>> cite("no such family")
    False
    """
    asked = os.environ.get("DUECREDIT_ENABLE", "").lower() in ("1", "yes", "true")
    if family not in PAPERS or not (asked or "duecredit" in sys.modules):
        return False
    try:
        from duecredit import Doi, due
    except ImportError:
        return False
    doi, what = PAPERS[family]
    due.cite(Doi(doi), description=what, path="mdbackmap", cite_module=True)
    return True
