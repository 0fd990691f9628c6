"""Links from page to page lead somewhere, and the site's configuration knows every page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# Pictures are looked for when the site is built.
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def of_page(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=of_page)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    broken = [
        target for target, _ in LINK.findall(text) if not (page.parent / target).resolve().exists()
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=of_page)
def test_a_page_begins_with_one_title(page: Path) -> None:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    assert len(re.findall(r"^# \S", text, re.MULTILINE)) == 1
