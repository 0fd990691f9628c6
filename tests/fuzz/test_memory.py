"""Records of gigabytes cost no memory: what is too large to be one is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.fuzzing import COMMANDS, furnish, most_memory, words_for

if TYPE_CHECKING:
    from pathlib import Path

GIANT_BYTES = 4 << 30
ALLOWED_BYTES = 32 << 20


def test_giants_in_place_of_all_records_are_not_read_into_memory(tmp_path: Path) -> None:
    furnished = furnish(tmp_path)
    commands = [words_for(name, furnished) for name in COMMANDS]
    with furnished.copy() as spool:
        usual = most_memory(spool.path, commands)
    with furnished.copy() as spool:
        for place in spool.records:
            with (spool.path / place).open("wb") as file:
                file.truncate(GIANT_BYTES)  # a hole: no room on the disk
        assert most_memory(spool.path, commands) < usual + ALLOWED_BYTES
        spool.check_nothing_is_lost(set())


def test_a_giant_in_place_of_the_settings_is_not_read_into_memory(tmp_path: Path) -> None:
    furnished = furnish(tmp_path)
    with furnished.copy() as spool:
        usual = most_memory(spool.path, [["status"]])
        with (spool.path / "spool.json").open("wb") as file:
            file.truncate(GIANT_BYTES)
        assert most_memory(spool.path, [["status"], ["put"], ["doctor"]]) < usual + ALLOWED_BYTES
