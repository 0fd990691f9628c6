"""A real terminal with a command in it, played by tmux: its screen is read, keys are pressed."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def tmux_or_skip() -> str:
    """The path of tmux; skips the test where there is none."""
    found = shutil.which("tmux")
    if found is None:
        pytest.skip("tmux is not installed; .ci/run installs it where it can")
    return found


class Terminal:
    """A terminal of tmux's, with a command in it."""

    def __init__(self, place: Path, words: list[str], env: dict[str, str]) -> None:
        self._tmux = [tmux_or_skip(), "-S", str(place / "tmux"), "-f", "/dev/null"]
        self._env = env
        self.tmux("new-session", "-d", "-s", "top", "-x", "120", "-y", "40", *words)

    def tmux(self, *words: str) -> str:
        ended = subprocess.run(
            [*self._tmux, *words], capture_output=True, text=True, check=False, env=self._env
        )
        return ended.stdout

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "top")

    def keys(self, *keys: str) -> None:
        """Press keys by their names."""
        self.tmux("send-keys", "-t", "top", *keys)

    def text(self, text: str) -> None:
        """Type a text."""
        self.tmux("send-keys", "-t", "top", "-l", "--", text)

    @property
    def is_open(self) -> bool:
        return "top" in self.tmux("list-sessions")

    def close(self) -> None:
        self.tmux("kill-server")
