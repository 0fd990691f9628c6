"""`spoolq done`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spoolq import Spool


@pytest.mark.guarantee("I4")
def test_done_by_the_leased_files_name(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken()
    ran = cli("done", name).good()
    assert (ran.out, ran.err) == ("", "")
    assert spool.get(name.partition(".")[0]).status.name == "DONE"
    assert "no job in" in cli("get").bad(3)


def test_done_by_the_bare_lease(cli: Callable, taken: Callable, spool: Spool) -> None:
    name = taken()
    cli("done", name.rpartition(".")[2]).good()
    assert spool.get(name.partition(".")[0]).status.name == "DONE"


def test_done_again_is_a_quiet_success_by_file_and_lost_by_lease(
    cli: Callable, taken: Callable
) -> None:
    name = taken()
    cli("done", name).good()
    assert cli("done", name).good().err == ""
    assert "is lost" in cli("done", name.rpartition(".")[2]).bad(4)


@pytest.mark.guarantee("I5")
def test_done_with_a_lease_that_another_took_over_is_status_4(
    cli: Callable, taken: Callable, spool: Spool
) -> None:
    name = taken()
    cli("release", name).good()
    second = cli("get").good().out.strip()
    assert f"lease {name.rpartition('.')[2]} of job " in cli("done", name).bad(4)
    assert spool.get(name.partition(".")[0]).status.name == "PROCESSING"
    cli("done", second).good()


@pytest.mark.parametrize("source", ["file", "-"])
def test_a_result_is_kept(
    cli: Callable, taken: Callable, spool: Spool, here: Path, source: str
) -> None:
    (here / "file").write_bytes(b"\xff result")
    name = taken()
    cli("done", "--result", source, name, stdin=b"\xff result").good()
    assert spool.result(name.partition(".")[0]) == b"\xff result"


def test_a_result_that_cannot_be_read_ends_nothing(
    cli: Callable, taken: Callable, spool: Spool, here: Path
) -> None:
    name = taken()
    assert "missing" in cli("done", "--result", "missing", name).bad(1)
    assert spool.get(name.partition(".")[0]).status.name == "PROCESSING"


def test_a_result_belongs_to_one_job(cli: Callable, taken: Callable, spool: Spool) -> None:
    one, two = taken(), taken()
    assert "belongs to one LEASE" in cli("done", "--result", "/dev/null", one, two).bad(2)
    assert spool.stats().leased == 2


def test_of_several_all_are_tried_and_the_first_failure_counts(
    cli: Callable, taken: Callable, spool: Spool
) -> None:
    lost, good = taken(), taken()
    cli("release", "--delay", "1h", lost).good()
    ran = cli("done", lost, "../x", good)
    assert ran.status == 4
    first, second = ran.err.splitlines()
    assert " is lost: " in first
    assert second == "spoolq: not a lease or a leased file: '../x'"
    assert spool.get(lost.partition(".")[0]).status.name == "DELAYED"
    assert spool.get(good.partition(".")[0]).status.name == "DONE"


def test_json_has_an_object_a_job(cli: Callable, taken: Callable) -> None:
    name = taken()
    found = cli("done", "--json", name).good().objects
    assert found == [{"id": name.partition(".")[0], "name": name, "status": "done"}]


def test_a_lease_of_several_jobs_wants_the_files_name(cli: Callable, spool: Spool) -> None:
    spool.publish_many([b"a", b"b"])
    one, two = spool.get_jobs(2, 0)
    assert one.lease == two.lease
    assert "2 tasks" in cli("done", one.lease).bad(2)
    cli("done", one.name, two.name).good()
    assert spool.stats().done == 2


@pytest.mark.parametrize("verb", ["done", "fail", "release", "extend"])
def test_no_lease_is_wrong_usage(cli: Callable, taken: Callable, spool: Spool, verb: str) -> None:
    taken()
    assert "arguments are required: LEASE" in cli(verb).bad(2)
    assert spool.stats().leased == 1
