"""Small screens above the view: a question, a text to enter, a text to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType

LOG_SECONDS = 1.0


class Question(ModalScreen[bool]):
    """Yes or no; anything but y is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", "Yes"),
        ("n,escape,q", "answer(False)", "No"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical(classes="box"):
            yield Label(self._text, markup=False)
            yield Label("y: yes   n: no", markup=False)

    def action_answer(self, is_yes: bool) -> None:
        """Hand the answer back."""
        self.dismiss(is_yes)


class Reason(ModalScreen[str | None]):
    """A text to enter; None when nothing is to be done after all."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Leave")]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The line to fill."""
        with Vertical(classes="box"):
            yield Label(self._text, markup=False)
            yield Input(placeholder="reason; Enter does it, Escape leaves")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter was pressed."""
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Escape was pressed."""
        self.dismiss(None)


class Reader(ModalScreen[None]):
    """A text that is read anew every second, scrolled to its end as long as nobody scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "leave", "Back")]

    def __init__(self, title: str, read: Callable[[], str]) -> None:
        super().__init__()
        self._title = title
        self._read = read

    def compose(self) -> ComposeResult:
        """A scrolling text."""
        with VerticalScroll(classes="page") as page:
            page.border_title = self._title
            yield Static(markup=False)

    def on_mount(self) -> None:
        """Show it and keep on reading."""
        self._show_again()
        self.set_interval(LOG_SECONDS, self._show_again)

    def _show_again(self) -> None:
        page = self.query_one(VerticalScroll)
        is_at_end = page.scroll_offset.y >= page.max_scroll_y
        self.query_one(Static).update(self._read())
        if is_at_end:
            self.call_after_refresh(page.scroll_end, animate=False)

    def action_leave(self) -> None:
        """Back to the view."""
        self.dismiss(None)
