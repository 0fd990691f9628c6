"""What is public is documented; every error pickles with its facts and has its exit code told."""

from __future__ import annotations

import inspect
import pickle
import re
from pathlib import Path

import pytest

import spoolq
from spoolq import errors

ROOT = Path(__file__).resolve().parents[2]
ERRORS = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, errors.SpoolqError) and value.__name__[0] != "_"
]


def made(error: type[errors.SpoolqError]) -> errors.SpoolqError:
    """An error of this class with facts of the kind it takes."""
    if issubclass(error, errors.StorageError):
        return error(28, "No space left on device", "/shared/spool/ready")
    takes = [
        parameter
        for parameter in inspect.signature(error.__init__).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name != "self"
    ]
    return error(*(f"the {parameter.name}" for parameter in takes)) if takes else error("the text")


def test_what_is_exported_is_there_and_nothing_else_looks_public() -> None:
    assert sorted(spoolq.__all__) == sorted(set(spoolq.__all__))
    public = {
        name
        for name in dir(spoolq)
        if not name.startswith("_") and inspect.isclass(getattr(spoolq, name))
    }
    assert public == set(spoolq.__all__)


@pytest.mark.parametrize("name", spoolq.__all__)
def test_what_is_exported_is_documented(name: str) -> None:
    value = getattr(spoolq, name)
    assert (value.__doc__ or "").strip()
    own = {
        member: found
        for member, found in vars(value).items()
        if not member.startswith("_")
        and (inspect.isroutine(found) or isinstance(found, (property, classmethod, staticmethod)))
    }
    assert [member for member, found in own.items() if not inspect.getdoc(found)] == []


def test_every_error_is_exported() -> None:
    assert {error.__name__ for error in ERRORS} <= set(spoolq.__all__)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_pickles_with_its_facts(error: type[errors.SpoolqError]) -> None:
    before = made(error)
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is error
    assert (str(after), after.args, vars(after)) == (str(before), before.args, vars(before))
    if isinstance(before, OSError):
        assert isinstance(after, OSError)
        assert (after.errno, after.filename) == (before.errno, before.filename)


@pytest.mark.parametrize("error", ERRORS)
def test_the_exit_code_of_an_error_is_documented(error: type[errors.SpoolqError]) -> None:
    page = (ROOT / "docs/reference/exit-codes.md").read_text()
    rows = re.findall(r"^\| (\d+) \|(.*)$", page, re.MULTILINE)
    told = [int(code) for code, rest in rows if f"`{error.__name__}`" in rest]
    assert told == [error.exit_code]
