"""What every test may use: spools that are closed afterwards, other processes that are ended."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # for `support`, also in spawned processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.processes import Actor

    from spoolq import Spool

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", deadline=None, max_examples=30, suppress_health_check=SLOW_IS_FINE)
settings.register_profile("ci", parent=settings.get_profile("dev"), print_blob=True)
settings.register_profile("night", parent=settings.get_profile("ci"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))

# Started in the background by a shell without job control, the suite inherits SIGINT ignored, and
# so would every process it starts; Ctrl-C is to be tested all the same.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """For tests/suite.py, which adds up what several runs have counted."""
    parser.addoption("--figures", metavar="FILE", help="write the report in numbers there, as JSON")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The report in numbers: what faults this run has injected."""
    from support import tally

    if file := terminalreporter.config.getoption("--figures"):
        told = {
            "faults": tally.faults,
            "others": tally.others,
            "outcomes": outcomes(terminalreporter),
        }
        Path(file).write_text(json.dumps(told))
    elif lines := tally.lines():
        terminalreporter.section("faults injected by this run")
        for line in lines:
            terminalreporter.write_line(line)


def outcomes(terminalreporter: pytest.TerminalReporter) -> dict[str, int]:
    """How many tests have passed, failed, been skipped and so on, in pytest's words."""
    found = {}
    for outcome, reports in terminalreporter.stats.items():
        count = sum(getattr(report, "count_towards_summary", True) for report in reports)
        if outcome and count:
            found[outcome] = count
    return found


@pytest.fixture(autouse=True)
def _no_spool_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SPOOLQ_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def make_spool(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    """Make a spool with these settings in the test's directory; closed when the test is over."""
    from spoolq import Spool

    made: list[Spool] = []

    def make(name: str = "spool", **settings: Any) -> Spool:
        # Most tests kill processes, not machines: the syncs would prove nothing and cost much.
        # And the journal writes by time, which would disturb those that count what is there.
        usual: dict[str, Any] = {"durability": "off", "journal_seconds": 0}
        made.append(Spool.create(tmp_path / name, **(usual | settings)))
        return made[-1]

    yield make
    for spool in made:
        spool.close()


@pytest.fixture
def spool(make_spool: Callable[..., Spool]) -> Spool:
    """An empty spool: leases of 60 s, no limit to attempts."""
    return make_spool()


@pytest.fixture
def open_again() -> Iterator[Callable[..., Spool]]:
    """Open a spool's directory once more, as another consumer would."""
    from spoolq import Spool

    opened: list[Spool] = []

    def again(spool: Spool | Path | str, **options: Any) -> Spool:
        path = spool.path if isinstance(spool, Spool) else spool
        opened.append(Spool(path, **options))
        return opened[-1]

    yield again
    for spool in opened:
        spool.close()


@pytest.fixture
def actor() -> Iterator[Callable[..., Actor]]:
    """Start another process on a spool; it is ended when the test is over."""
    from support.processes import Actor

    from spoolq import Spool

    started: list[Actor] = []

    def start(spool: Spool | Path | str, **options: Any) -> Actor:
        path = spool.path if isinstance(spool, Spool) else spool
        started.append(Actor(path, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()
