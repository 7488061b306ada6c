"""
Sphinx reads these settings: `sphinx-build -W -c docs . docs/_build/html` in the root of the repository.

The source folder is the root, so that links between README, docs/, tutorials/ and the model cards work here as they do
on GitHub. Nothing is executed: the tests run the code of all pages, and CI the notebooks.
"""

import os
from importlib.metadata import version as installed_version

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

os.environ["COLUMNS"] = "100"  # width of the help texts of the command line

project = "mdbackmap"
author = copyright = "the mdbackmap developers"
release = version = installed_version(project)

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
root_doc = "docs/index"
include_patterns = ["docs/**", "tutorials/*.ipynb", "datafiles/README.md", "mdbackmap/weights/README.md", "*.md"]
exclude_patterns = ["docs/_build", "**/.ipynb_checkpoints"]
html_theme = "sphinx_rtd_theme"
html_theme_options = {"navigation_depth": 3}
html_extra_path = ["_extra"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False

nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]

default_role = "py:obj"
autodoc_typehints = "none"  # types are in the docstrings
numpydoc_show_class_members = False
numpydoc_show_inherited_class_members = False


class Verbs(SphinxDirective):
    """``.. verbs::`` lists the help of every verb of the command line, as it is printed."""

    def run(self):
        """Return one section a verb."""
        from mdbackmap.cli import build_parser

        sections = []
        for verb, parser in build_parser()._subparsers._group_actions[0].choices.items():
            section = nodes.section(ids=[f"verb-{verb}"], names=[verb])
            text = parser.format_help()
            section += [nodes.title(verb, f"mdbackmap {verb}"), nodes.literal_block(text, text, language="none")]
            sections.append(section)
        return sections


def setup(app):
    """Add the directive to Sphinx."""
    app.add_directive("verbs", Verbs)
    return {"parallel_read_safe": True}
