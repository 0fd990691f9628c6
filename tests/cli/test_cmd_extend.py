"""`spoolq extend`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq import Spool


def test_the_new_name_is_printed_and_the_old_one_is_lost(
    cli: Callable, taken: Callable, spool: Spool
) -> None:
    old = taken()
    new = cli("extend", old).good().out.removesuffix("\n")
    assert new != old
    assert new.rpartition(".")[0] == old.rpartition(".")[0]
    assert " is lost: " in cli("done", old).bad(4)
    cli("done", new).good()
    assert spool.stats().done == 1


def test_seconds_count_from_now(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken()
    before = spool.get(name.partition(".")[0]).deadline
    assert before is not None
    (found,) = cli("extend", "--seconds", "2h", "--json", name).good().objects
    assert found["was"] == name
    gained = (datetime.fromisoformat(found["deadline"]) - before).total_seconds()
    assert 7130 < gained < 7200


def test_of_several_each_good_one_prints_its_name(cli: Callable, taken: Callable) -> None:
    one, lost, two = taken(), taken(), taken()
    cli("done", lost).good()
    ran = cli("extend", one, lost, two)
    assert f"{lost.partition('.')[0]} is lost: " in ran.bad(4)
    assert [name.partition(".")[0] for name in ran.lines] == [
        one.partition(".")[0],
        two.partition(".")[0],
    ]


@pytest.mark.parametrize(
    ("seconds", "why"),
    [
        ("0", "above 0"),
        ("-1", "'-1' is no duration"),
        ("nan", "'nan' is no duration"),
        ("forever", "'forever' is no duration"),
        ("99999w", "to 316224000"),
    ],
)
def test_seconds_that_make_no_sense_change_nothing(
    cli: Callable, taken: Callable, spool: Spool, seconds: str, why: str
) -> None:
    name = taken()
    before = spool.get(name.partition(".")[0])
    ran = cli("extend", "--seconds", seconds, name)
    assert why in ran.bad(2)
    assert ran.out == ""
    assert spool.get(before.id) == before
    cli("done", name).good()
