"""The view: states, throughput, what runs, workers, recent failures; keys act on the row chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Header, Sparkline, Static

from spoolq.cli import output
from spoolq.cli.failures import told
from spoolq.cli.top import cells
from spoolq.cli.top.dialogs import Question, Reader, Reason
from spoolq.cli.top.feed import Feed, Snapshot
from spoolq.errors import SpoolqError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import DescendantFocus, Resize
    from textual.timer import Timer

    from spoolq.queue import Spool

LOOK_COST = 10.0
SHORT_LINES = 34
TABLES = {
    "running": ("Running", ("JOB", "TRY", "OWNER", "FOR", "LEASE", "COMMAND")),
    "workers": ("Workers", ("HOST", "PID", "STATE", "BUSY", "DONE", "FAILED", "SEEN", "RUNS")),
    "failures": ("Went wrong in the last day", ("WHEN", "JOB", "TRY", "HOW", "OWNER", "REASON")),
}


class Top(App[None]):
    """`spoolq top`."""

    CSS = """
    #above { height: 8; }
    .-short #above { height: 7; }
    .-short #findings { max-height: 2; }
    #states { width: 44; padding: 0 1; }
    #rates { padding: 0 1; }
    #rate { height: 5; }
    #findings { height: auto; max-height: 4; padding: 0 1; }
    DataTable { height: 1fr; border: round $primary-darken-2; scrollbar-size-horizontal: 0; }
    DataTable:focus { border: round $accent; }
    .-short DataTable { height: 3; }
    .-short DataTable:focus, .-short .-last { height: 1fr; }
    Question, Reason { align: center middle; }
    .box { width: 70; height: auto; border: round $accent; padding: 1; background: $surface; }
    .page { border: round $accent; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "quit", "Quit"),
        ("p", "pause", "Pause/resume"),
        ("c", "cancel", "Cancel job"),
        ("r", "retry", "Retry job"),
        ("l", "log", "Log"),
        ("e", "explain", "Explain"),
    ]
    ENABLE_COMMAND_PALETTE = False
    CHANGES = frozenset(("pause", "cancel", "retry"))

    def __init__(
        self, spool: Spool, every_seconds: float = 2.0, *, read_only: bool = False
    ) -> None:
        super().__init__()
        self.title = "spoolq top"
        self.sub_title = output.printable(spool.path)
        self._feed = Feed(spool)
        self._spool = spool
        self._every_seconds = every_seconds
        self._read_only = read_only
        self._timer: Timer | None = None
        self.shown: Snapshot | None = None

    def compose(self) -> ComposeResult:
        """All on one screen."""
        yield Header()
        with Horizontal(id="above"):
            yield Static(id="states")
            with Vertical(id="rates"):
                yield Static("ended a second", id="rate_text", markup=False)
                yield Sparkline([0.0], id="rate")
        yield Static(id="findings")
        for name in TABLES:
            yield DataTable(id=name, cursor_type="row", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        """Put up the tables' headings and begin to look."""
        for name, (title, columns) in TABLES.items():
            table = self._table(name)
            table.border_title = title
            table.add_columns(*columns)
        self._table("running").focus()
        self._look()

    def on_resize(self, event: Resize) -> None:
        """Where there is little height, only the table with the cursor is unfolded."""
        self.screen_stack[0].set_class(event.size.height < SHORT_LINES, "-short")

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The table chosen last stays unfolded while a dialog has the cursor."""
        for table in self.query(DataTable):
            table.set_class(table is event.widget, "-last")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that change something are off with --read-only."""
        return not (self._read_only and action in self.CHANGES)

    def _table(self, name: str) -> DataTable[Text]:
        return self.query_one(f"#{name}", DataTable)

    # ----- looking

    def _look(self) -> None:
        # On a thread: a file server that hangs must not freeze the keys.
        self.run_worker(self._look_once, thread=True, group="look", exclusive=True)

    def _look_once(self) -> None:
        import time

        begun = time.monotonic()
        try:
            found = self._feed.look()
        except (SpoolqError, OSError) as error:
            self.call_from_thread(self._say, told(error), "error")
        else:
            self.call_from_thread(self._show, found)
        took = time.monotonic() - begun
        self.call_from_thread(self._look_in, max(self._every_seconds, LOOK_COST * took))

    def _look_in(self, seconds: float) -> None:
        # One timer only: looks that keys asked for must not make more of them.
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(seconds, self._look)

    def _show(self, found: Snapshot) -> None:
        self.shown = found
        self.query_one("#states", Static).update(cells.of_states(found.overview))
        self.query_one("#findings", Static).update(cells.of_findings(found.findings))
        self.query_one("#rate", Sparkline).data = found.rates
        text = f"ended a second: {found.rates[-1]:.3g}, most {max(found.rates):.3g}"
        self.query_one("#rate_text", Static).update(text)
        now = found.overview.at
        self._fill("running", [(job.id, cells.of_running(job)) for job in found.running])
        workers = found.overview.workers
        self._fill("workers", [(one.name, cells.of_worker(one, now)) for one in workers])
        self._fill("failures", [(one.id, cells.of_failure(one)) for one in found.failures])

    def _fill(self, name: str, rows: list[tuple[str, list[Text]]]) -> None:
        """Replace a table's rows; the cursor stays on its row while that is there."""
        table, chosen = self._table(name), self._chosen(name)
        table.clear()
        for number, (key, row) in enumerate(rows):
            # A job may have gone wrong more than once.
            table.add_row(*row, key=f"{key} {number}")
        for number, (key, _) in enumerate(rows):
            if key == chosen:
                table.move_cursor(row=number)
                break

    def _chosen(self, name: str) -> str | None:
        table = self._table(name)
        if not table.row_count:
            return None
        key = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
        return None if key is None else key.rpartition(" ")[0]

    # ----- keys

    def _job(self) -> str | None:
        """The job of the row chosen; says so when there is none."""
        for name in ("running", "failures"):
            if self._table(name).has_focus:
                found = self._chosen(name)
                if found is not None:
                    return found
        self._say("choose a job first: Tab changes the table, arrows the row", "warning")
        return None

    def _say(self, text: str, severity: str = "information") -> None:
        self.notify(output.printable(text), severity=severity, markup=False)  # type: ignore[arg-type]

    def _do(self, what: Callable[[], str]) -> None:
        """Act on a thread, then tell and look."""

        def act() -> None:
            try:
                said, severity = what(), "information"
            except (SpoolqError, OSError) as error:
                said, severity = told(error), "error"
            self.call_from_thread(self._say, said, severity)
            self.call_from_thread(self._look)

        self.run_worker(act, thread=True, group="act")

    def action_cancel(self) -> None:
        """Cancel the job of the row chosen, after a question."""
        job_id = self._job()
        if job_id is None:
            return

        def answered(is_yes: bool | None) -> None:
            if is_yes:
                self._do(lambda: f"{job_id} is {output.word_of(self._spool.cancel(job_id))}")

        self.push_screen(Question(f"Cancel job {job_id}? No further run will come."), answered)

    def action_retry(self) -> None:
        """Retry the job of the row chosen, if it has failed."""
        job_id = self._job()
        if job_id is not None:
            self._do(lambda: f"{job_id} is {output.word_of(self._spool.retry(job_id))}")

    def action_pause(self) -> None:
        """Pause the spool, for a reason; or resume it."""
        if self.shown is not None and self.shown.overview.paused is not None:
            self._do(lambda: "goes on" if self._spool.resume() else "was not paused")
            return

        def entered(reason: str | None) -> None:
            if reason is not None:
                self._do(lambda: self._spool.pause(reason) or "paused")

        self.push_screen(Reason("Pause the spool: no host gives out jobs."), entered)

    def action_log(self) -> None:
        """Read what the job of the row chosen wrote, as it grows."""
        job_id = self._job()
        if job_id is not None:
            self.push_screen(Reader(f"log of {job_id}", lambda: _lines(self._feed.log_of(job_id))))

    def action_explain(self) -> None:
        """Say why the job of the row chosen does not run, or who runs it."""
        job_id = self._job()
        if job_id is None:
            return

        def reasons() -> str:
            from spoolq.cli import telling

            return telling.explanation(self._spool, job_id)

        self.push_screen(Reader(f"job {job_id}", reasons))


def _lines(text: str) -> str:
    """A text of several lines, each harmless on a terminal."""
    return "\n".join(output.printable(line) for line in text.split("\n"))
