"""How Sphinx builds the documentation: sphinx-build -W -n docs OUTPUT (extra `docs`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.lexers import get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

from spoolq import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "spoolq"
author = "the spoolq authors"
copyright = "the spoolq authors; Apache License 2.0"  # noqa: A001 - Sphinx asks for this name
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["deflist"]
root_doc = "index"
exclude_patterns = ["_build"]
myst_heading_anchors = 4
# The plots of benchmarks.md are made by bin/bench; where it has not run there are none.
suppress_warnings = ["image.not_readable"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
nitpick_ignore_regex = [("py:.*", r".*")]

html_theme = "furo"
html_title = f"spoolq {release}"
html_show_sourcelink = False

FENCE = re.compile(r"^```([\w-]+)$", re.MULTILINE)


def setup(app: Sphinx) -> None:
    """Blocks of code in languages of our own (tests read them by these names) are plain text."""
    pages = Path(__file__).parent.rglob("*.md")
    for name in {name for page in pages for name in FENCE.findall(page.read_text("utf-8"))}:
        if not _is_known(name):
            app.add_lexer(name, TextLexer)


def _is_known(language: str) -> bool:
    try:
        get_lexer_by_name(language)
    except ClassNotFound:
        return False
    return True
