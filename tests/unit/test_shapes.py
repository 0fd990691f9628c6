"""Named tuples made without `typing` are what `typing` would have made."""

from __future__ import annotations

import pickle
from typing import NamedTuple

import pytest

from spoolq.disk.filesystem import Entry
from spoolq.rules.names import DelayedName, ReadyName
from spoolq.rules.settings import Settings


class Plain(NamedTuple):
    """What `typing` makes."""

    id: str
    attempts: int = 0


def test_fields_defaults_and_order_are_those_of_the_class() -> None:
    assert Settings._fields[:2] == ("lease_seconds", "max_attempts")
    assert Settings._field_defaults["durability"] == "full"
    assert Settings(5.0) == (5.0, *Settings()[1:])
    assert Settings()._replace(group=True).group is True


def test_a_field_without_a_default_must_be_given() -> None:
    with pytest.raises(TypeError, match="attempts"):
        ReadyName("5-x")  # type: ignore[call-arg]


def test_methods_properties_and_docstrings_are_kept() -> None:
    assert str(ReadyName("x", 2)) == "x.2"
    assert Settings(durability="publish").syncs_publish is True
    assert DelayedName.__doc__ is not None
    assert "due" in DelayedName.__doc__


def test_values_are_slotted_tuples_that_pickle_and_print() -> None:
    value = ReadyName("x", 1)
    assert type(value).__mro__ == (ReadyName, tuple, object)
    assert not hasattr(value, "__dict__")
    assert pickle.loads(pickle.dumps(value)) == value
    assert type(pickle.loads(pickle.dumps(value))) is ReadyName
    assert repr(value) == repr(Plain("x", 1)).replace("Plain", "ReadyName")
    assert Entry.__module__ == "spoolq.disk.filesystem"
    assert set(Plain.__dict__) - set(ReadyName.__dict__) <= {"__orig_bases__"}
