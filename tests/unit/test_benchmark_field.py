"""The benchmark beside peers: who fails is told and left out, and everybody's tasks are counted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from spoolq.bench.rounds import given, worst
from tests.benchmarks import versus
from tests.benchmarks.field import Field
from tests.benchmarks.peers import Peer, Unavailable, payloads_of
from tests.benchmarks.subjects import FloorPeer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Listed(Peer):
    """A queue in memory."""

    name = "list"

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder, port)
        self.tasks: list[bytes] = []
        self.is_closed = False

    def publish(self, payloads: list[bytes]) -> None:
        self.tasks += payloads

    def take(self, count: int) -> list[bytes]:
        taken, self.tasks = self.tasks[:count], self.tasks[count:]
        return taken

    def close(self) -> None:
        self.is_closed = True


class Careless(Listed):
    """It loses one task of each turn and gives two others twice."""

    name = "careless"

    def take(self, count: int) -> list[bytes]:
        taken = super().take(count)
        return [*taken[1:], *taken[1:3]]


class Absent(Listed):
    """It is not installed."""

    name = "absent"

    def __init__(self, folder: str, port: int = 0) -> None:
        raise Unavailable("absentd is not installed")


class Failing(Listed):
    """It takes once."""

    name = "failing"
    turns = 0

    def take(self, count: int) -> list[bytes]:
        self.turns += 1
        if self.turns > 1:
            raise RuntimeError("database is locked\nand more")
        return super().take(count)


def test_who_cannot_be_had_is_told_and_the_others_are_there(tmp_path: Path) -> None:
    with Field(str(tmp_path), (Absent, Listed)) as field:
        (one,) = field.each()
        assert isinstance(one.peer, Listed)
    assert one.peer.is_closed
    assert [told.subject for told in field.missing()] == ["absent (off): absentd is not installed"]


def test_who_fails_is_ended_and_the_others_go_on(tmp_path: Path) -> None:
    with Field(str(tmp_path), (Failing, Listed)) as field:
        failing, other = field.each()
        for _ in range(3):
            for one in field.each():
                with field.trying(one):
                    one.peer.take(1)
        assert field.each() == [other]
        assert isinstance(failing.peer, Listed)
        assert failing.peer.is_closed
    assert [told.subject for told in field.missing()] == ["failing (off): database is locked"]


def test_losses_and_duplicates_of_everybody_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versus, "OURS", (FloorPeer, Listed, Careless, Failing))
    told = list(versus.compare(str(tmp_path), 2, 5, 5, with_peers=False))
    counts = {one.subject: one.counts for one in told if one.scenario == "versus: take + done"}
    assert counts == {
        "floor": {"twice": 0, "never": 0},
        "list": {"twice": 0, "never": 0},
        "careless": {"twice": 6, "never": 3},
    }
    assert [one.subject for one in told if one.scenario == "not measured"] == [
        "failing (off): database is locked"
    ]


def test_four_of_the_floor_in_slices_give_each_task_once(tmp_path: Path) -> None:
    payloads = payloads_of(range(100))
    with Field(str(tmp_path), (FloorPeer,)) as field:
        (floor,) = field.each()
        floor.peer.publish(payloads)
        together = floor.crowd(4, payloads)
    assert together.counts == {"twice": 0, "never": 0}
    assert os.listdir(tmp_path / "FloorPeer" / "ready") == []


def test_what_nobody_published_counts_as_given_twice() -> None:
    assert given([b"a", b"b"], [b"a", b"c"]) == {"twice": 1, "never": 1}
    assert worst([{"twice": 0, "never": 2}, {"twice": 1, "never": 0}]) == {"twice": 1, "never": 2}
    assert worst([]) == {}
