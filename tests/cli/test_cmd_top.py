"""`spoolq top`: driven by textual's own pilot, and by keys in a real terminal."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.command_line import command
from support.crew import heartbeat
from support.processes import environment
from support.spans import timeless
from support.terminals import Terminal, tmux_or_skip
from support.waits import eventually

from spoolq import JobStatus
from spoolq.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from spoolq import Spool

pytestmark = pytest.mark.timeout(400)


def test_without_a_terminal_or_the_extra_it_says_what_else_there_is(
    cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("textual", reason="the extra [tui] is not installed")
    assert "status --watch" in cli("top").bad(2)
    for name in [name for name in sys.modules if name.startswith("spoolq.cli.top")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual.app", None)
    assert "pip install 'spoolq[tui]'" in cli("top").bad(1)


@pytest.mark.parametrize("words", [(), ("--read-only",), ("--every", "1m")])
def test_options_reach_the_view(
    cli: Callable, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    pytest.importorskip("textual", reason="the extra [tui] is not installed")
    from spoolq.cli.top import app

    made: list[tuple[float, bool]] = []

    class View:
        return_code = 7

        def __init__(self, _spool: Spool, every_seconds: float, *, read_only: bool) -> None:
            made.append((every_seconds, read_only))

        def run(self) -> None:
            pass

    monkeypatch.setattr(app, "Top", View)
    monkeypatch.setattr(output, "is_terminal", lambda _stream: True)
    assert cli("top", *words).status == 7
    assert made == [(60 if "--every" in words else 2, "--read-only" in words)]


# ----- by the pilot


def drive(
    spool: Spool,
    script: Callable[[Any, Any], Coroutine[Any, Any, None]],
    size: tuple[int, int] = (140, 45),
    **more: Any,
) -> None:
    """Run the view without a terminal, and a script that presses keys."""
    pytest.importorskip("textual", reason="the extra [tui] is not installed")
    from spoolq.cli.top.app import Top

    async def go() -> None:
        app = Top(spool, 0.2, **more)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.shown is not None)
            await script(app, pilot)

    asyncio.run(go())


async def until(pilot: Any, holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let the view work until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():
            await pilot.pause(0.02)


def rows(app: Any, name: str) -> list[list[str]]:
    from textual.widgets import DataTable

    table = app.query_one(f"#{name}", DataTable)
    return [[str(cell) for cell in table.get_row_at(n)] for n in range(table.row_count)]


def said(app: Any) -> str:
    return "\n".join(str(note.message) for note in app._notifications)


def test_it_shows_states_workers_what_runs_and_what_went_wrong(spool: Spool) -> None:
    spool.publish_many([b""] * 5)
    job = spool.get_job(0)
    spool.get_job(0).fail("no\x1b[31m [red]disk[/red]", delay=3600)
    running = [{"id": job.id, "attempt": 1, "started_at": None, "command": "convert [b]page"}]
    heartbeat(spool, running=running, done=7)
    heartbeat(spool, "beta-7-ABCDEFGH22", ago=900)

    async def script(app: Any, pilot: Any) -> None:
        await until(pilot, lambda: bool(rows(app, "failures")))
        states = str(app.query_one("#states").render())
        assert "ready            3" in states
        assert "delayed          1  next in TIME" in timeless(states)
        (row,) = rows(app, "running")
        assert (row[0], row[1], row[5]) == (job.id, "1", "convert [b]page")
        workers = rows(app, "workers")
        assert [worker[0] for worker in workers] == ["alpha", "beta"]
        assert [worker[2] for worker in workers] == ["alive", "gone"]
        (failure,) = rows(app, "failures")
        assert failure[3] == "failed"
        # What others wrote is shown as it is, escaped: no markup, no escape sequences.
        assert failure[5] == "no\\x1b[31m [red]disk[/red]"
        assert "stopped without a word (beta)" in str(app.query_one("#findings").render())
        assert "\x1b" not in failure[5]

    drive(spool, script)


def test_a_small_terminal_unfolds_the_table_that_has_the_cursor(spool: Spool) -> None:
    spool.publish_many([b""] * 9)
    spool.get_jobs(9, 0)

    async def script(app: Any, pilot: Any) -> None:
        heights = lambda: {name: app.query_one(f"#{name}").size.height for name in names}  # noqa: E731
        names = ("running", "workers", "failures")
        await until(pilot, lambda: len(rows(app, "running")) == 9)
        await until(pilot, lambda: heights()["running"] >= 5)
        assert heights()["failures"] == 1
        await pilot.press("tab", "tab")
        await until(pilot, lambda: heights()["failures"] >= 5)
        assert heights()["running"] == 1

    drive(spool, script, size=(80, 24))


def test_throughput_follows_what_ends(spool: Spool) -> None:
    async def script(app: Any, pilot: Any) -> None:
        assert app.shown.rates == [0.0]
        spool.publish_many([b""] * 3)
        for _ in range(3):
            spool.get_job(0).done()
        await until(pilot, lambda: max(app.shown.rates) > 0)

    drive(spool, script)


def test_a_job_is_cancelled_after_a_question_and_only_then(spool: Spool) -> None:
    spool.publish(b"")
    job = spool.get_job(0)

    async def script(app: Any, pilot: Any) -> None:
        await until(pilot, lambda: len(rows(app, "running")) == 1)
        await pilot.press("c")
        await pilot.press("n")
        await pilot.pause()
        assert spool.get(job.id).status is JobStatus.PROCESSING
        await pilot.press("c")
        await pilot.press("y")
        await until(pilot, lambda: "is cancelled" in said(app))
        await until(pilot, lambda: not rows(app, "running"))

    drive(spool, script)
    assert spool.get(job.id).outcome == "cancelled"


def test_a_failed_job_is_retried(spool: Spool) -> None:
    job_id = spool.publish(b"")
    spool.get_job(0).fail("x", retry=False)

    async def script(app: Any, pilot: Any) -> None:
        await until(pilot, lambda: len(rows(app, "failures")) == 1)
        await pilot.press("tab", "tab", "r")
        await until(pilot, lambda: "is ready" in said(app))

    drive(spool, script)
    assert spool.get(job_id).status is JobStatus.READY


def test_the_spool_is_paused_for_a_reason_and_goes_on(spool: Spool) -> None:
    async def script(app: Any, pilot: Any) -> None:
        await pilot.press("p")
        await pilot.press("escape")
        assert spool.stats().paused is None
        await pilot.press("p", *"moving", "enter")
        await until(pilot, lambda: app.shown.overview.paused is not None)
        assert spool.stats().paused == "moving"
        assert "PAUSED: moving" in str(app.query_one("#states").render())
        await pilot.press("p")
        await until(pilot, lambda: app.shown.overview.paused is None)

    drive(spool, script)
    assert spool.stats().paused is None


def test_a_log_is_read_as_it_grows_and_a_job_explained(spool: Spool) -> None:
    spool.publish(b"")
    job = spool.get_job(0)
    log = Path(spool.path) / "logs" / f"{job.name}.out"
    log.write_text("first \x1b[31mline[/b]\n")

    async def script(app: Any, pilot: Any) -> None:
        def text() -> str:
            return str(app.screen.query_one("VerticalScroll Static").render())

        await until(pilot, lambda: len(rows(app, "running")) == 1)
        await pilot.press("l")
        await until(pilot, lambda: "first \\x1b[31mline[/b]" in text())
        log.write_text(log.read_text() + "second")
        await until(pilot, lambda: "second" in text())
        await pilot.press("escape")
        await pilot.press("e")
        await until(pilot, lambda: f"held by {spool.owner}" in text())
        await pilot.press("escape")

    drive(spool, script)


def test_read_only_has_no_keys_that_change_anything(spool: Spool) -> None:
    spool.publish(b"")
    job = spool.get_job(0)

    async def script(app: Any, pilot: Any) -> None:
        await until(pilot, lambda: len(rows(app, "running")) == 1)
        for key in ("c", "y", "p", "r", "enter"):
            await pilot.press(key)
        await pilot.pause()

    drive(spool, script, read_only=True)
    assert spool.get(job.id).status is JobStatus.PROCESSING
    assert spool.stats().paused is None


def test_a_spool_that_cannot_be_looked_at_is_told_and_looked_at_again(
    spool: Spool, tmp_path: Path
) -> None:
    async def script(app: Any, pilot: Any) -> None:
        Path(spool.path).rename(tmp_path / "away")
        await until(pilot, lambda: "No such file" in said(app))
        (tmp_path / "away").rename(spool.path)
        shown = app.shown
        await until(pilot, lambda: app.shown is not shown)

    drive(spool, script)


# ----- in a real terminal


@pytest.fixture
def terminal(spool: Spool, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`spoolq top` in a terminal."""
    pytest.importorskip("textual", reason="the extra [tui] is not installed")
    tmux_or_skip()
    # A socket's path has little room.
    place = Path(str(tmp_path_factory.mktemp("t")))
    env = environment(SPOOLQ_DIR=spool.path, LC_ALL="C.UTF-8", TERM="xterm-256color")
    env.pop("TMUX", None)
    words = [str(word) for word in command("top", "--every", "0.2")]
    opened = Terminal(place, words, env)
    yield opened
    opened.close()


def test_keys_in_a_real_terminal_pause_the_spool_and_quit(spool: Spool, terminal: Terminal) -> None:
    spool.publish_many([b""] * 3)
    job = spool.get_job(0)
    eventually(lambda: job.id in terminal.screen(), seconds=90)
    assert "leased           1" in terminal.screen()
    terminal.keys("p")
    eventually(lambda: "no host gives out jobs" in terminal.screen(), seconds=60)
    terminal.text("quake")
    terminal.keys("Enter")
    eventually(lambda: spool.stats().paused == "quake", seconds=60)
    eventually(lambda: "PAUSED: quake" in terminal.screen(), seconds=60)
    terminal.keys("q")
    eventually(lambda: not terminal.is_open, seconds=60)
