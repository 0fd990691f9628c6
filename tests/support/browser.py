"""A real browser without a window: Debian's chromium, driven through its own debugging pipe."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
WAIT_SECONDS = 60.0


def chromium() -> str | None:
    """Where the browser is, None when there is none."""
    return shutil.which("chromium")


class Browser:
    """One page of a browser with an empty profile; what it complains of is in `complaints`."""

    def __init__(self, profile: Path, *flags: str) -> None:
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        # The browser wants its ends at exactly 3 and 4: keep ours out of the way of that.
        far_in, far_out = (
            fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20) for fd in (theirs_in, theirs_out)
        )
        os.close(theirs_in)
        os.close(theirs_out)
        nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate((nowhere,) * 3)]
        actions += [(os.POSIX_SPAWN_DUP2, far_in, 3), (os.POSIX_SPAWN_DUP2, far_out, 4)]
        program = chromium()
        assert program is not None
        argv = [program, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
        environment = {**os.environ, "HOME": str(profile)}
        self._pid = os.posix_spawn(program, argv, environment, file_actions=actions, setpgroup=0)
        for fd in (far_in, far_out, nowhere):
            os.close(fd)
        self._in, self._out = ours_in, ours_out
        self._buffer = b""
        self._next_id = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._events: list[dict[str, Any]] = []
        self._attach()

    def _attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the debugging protocol; its result."""
        self._next_id += 1
        message: dict[str, Any] = {"id": self._next_id, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == message["id"]:
                assert "error" not in answer, answer
                result = answer["result"]
                assert isinstance(result, dict)
                return result

    def _message(self) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_SECONDS
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._in], [], [], max(0.0, left))
            assert ready, f"the browser said nothing for {WAIT_SECONDS} s"
            data = os.read(self._in, 1 << 20)
            assert data, "the browser ended"
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(text)
        assert isinstance(message, dict)
        self._note(message)
        return message

    def _note(self, message: Mapping[str, Any]) -> None:
        method, told = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and told["type"] in {
            "error",
            "warning",
            "assert",
        }:
            self.complaints.append(json.dumps(told["args"])[:500])
        elif method == "Log.entryAdded" and told["entry"]["level"] in {"error", "warning"}:
            self.complaints.append(told["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        if method is not None:
            self._events.append(dict(message))

    def open(self, url: str) -> None:
        """Load a page, wholly."""
        self._events.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def ask(self, expression: str) -> Any:
        """The value of a script's expression in the page."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """Ask until the answer is true."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (answer := self.ask(expression)):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.02)
        return answer

    def place(self, selector: str) -> tuple[float, float, float, float]:
        """(left, top, width, height) of an element, after scrolling it into view."""
        quoted = json.dumps(selector)
        self.ask(f"document.querySelector({quoted}).scrollIntoView({{block: 'center'}})")
        box = self.ask(
            f"(b => [b.left, b.top, b.width, b.height])"
            f"(document.querySelector({quoted}).getBoundingClientRect())"
        )
        return tuple(box)

    def click(self, selector: str) -> None:
        """A click with the mouse in the middle of an element."""
        left, top, width, height = self.place(selector)
        self.mouse("mousePressed", left + width / 2, top + height / 2)
        self.mouse("mouseReleased", left + width / 2, top + height / 2)

    def mouse(self, kind: str, x: float, y: float) -> None:
        """One event of the mouse, its left button down or up."""
        self.call(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1
        )

    def press(self, key: str, code: int, text: str = "") -> None:
        """One key, to whatever has the focus."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.call("Input.dispatchKeyEvent", **down, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def write(self, text: str) -> None:
        """Text, as typed into whatever has the focus."""
        self.call("Input.insertText", text=text)

    def close(self) -> None:
        """End the browser and all of its processes."""
        os.close(self._out)
        os.close(self._in)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            time.sleep(0.02)
        try:
            os.killpg(self._pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        try:
            os.waitpid(self._pid, 0)
        except ChildProcessError:
            pass
