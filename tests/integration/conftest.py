"""Workers that are ended when a test is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.working import Worker

    from spoolq import Spool


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start `spoolq work` with these words on a spool."""
    from support.working import Worker

    started: list[Worker] = []

    def start(spool: Spool, *words: str, **options: Any) -> Worker:
        place = tmp_path / f"worker-{len(started)}"
        started.append(Worker(spool, place, *words, **options))
        return started[-1]

    yield start
    for worker in started:
        worker.close()
