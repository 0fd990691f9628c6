"""The package stays small in its parts, and every file says what lives in it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "spoolq").rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
VAGUE_WORDS = ("utils", "util", "helpers", "helper", "manager", "common", "misc")


def of_source(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=of_source)
def test_a_file_is_small_and_so_are_its_functions(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    sizes = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("path", SOURCES, ids=of_source)
def test_a_file_starts_with_what_lives_in_it(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert (ast.get_docstring(tree) or "").strip()
    for after in tree.body[1:2]:  # a room's door may have nothing but its docstring
        assert isinstance(after, ast.ImportFrom)
        assert (after.module, [name.name for name in after.names]) == (
            "__future__",
            ["annotations"],
        )


@pytest.mark.parametrize("path", SOURCES, ids=of_source)
def test_no_name_is_vague(path: Path) -> None:
    classes = [
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    rooms = path.relative_to(ROOT).with_suffix("").parts
    names = [*rooms, *classes]
    assert [name for name in names if any(word in name.lower() for word in VAGUE_WORDS)] == []
