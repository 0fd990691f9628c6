"""The progress line of `spoolq work`, as a text; from times and counts handed in."""

from __future__ import annotations

from collections import deque

from spoolq.cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.worker.listener import Counts

WINDOW_SECONDS = 60.0


class Progress:
    """Remembers the last minute, so that the rate is today's and not the average of a week."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque()

    def text(self, now: float, counts: Counts, left: int, *, draining: bool) -> str:
        """One line: `12 done, 1 failed, 2 running, 30 left, 3.2/s, 9s to go`.

        `left` are the jobs that wait in the spool; other workers take of them, too.
        """
        parts = [f"{counts.done} done", f"{counts.failed} failed"]
        parts += [f"{counts.retried} to be retried"] if counts.retried else []
        parts += [f"{counts.running} running", f"{left} left"]
        parts += self._pace(now, counts, left)
        return ", ".join(parts) + ("; takes no more" if draining else "")

    def _pace(self, now: float, counts: Counts, left: int) -> list[str]:
        ended = counts.done + counts.failed
        self._seen.append((now, ended, left))
        while now - self._seen[0][0] > WINDOW_SECONDS and len(self._seen) > 2:
            self._seen.popleft()
        then, ended_then, left_then = self._seen[0]
        if now - then < 1.0 or ended == ended_then:
            return []
        rate = (ended - ended_then) / (now - then)
        shrinking = max(rate, (left_then - left) / (now - then))
        per = f"{rate:.1f}/s" if rate >= 0.95 else f"{rate * 60:.1f}/min"
        return [per, f"{output.span((left + counts.running) / shrinking)} to go"]
