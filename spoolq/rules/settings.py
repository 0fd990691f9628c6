"""The settings of a spool: defaults, validation, and the text of spool.json. No I/O."""

from __future__ import annotations

from spoolq.errors import InvalidSetting
from spoolq.rules.layout import FORMAT
from spoolq.shapes import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SECONDS = 10 * 366 * 86400.0
"""No setting, delay or lease may be longer (ten years): longer ones are typing errors."""

DURABILITIES = ("full", "publish", "off")
WATCHES = ("auto", "events", "poll")
_JSON_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


class Settings(NamedTuple):
    """What `spool.json` decides for every host that opens the spool.

    Attributes:
        lease_seconds: how long a taken task is held unless published or extended otherwise.
        max_attempts: attempts after which an expired or failed job gives up; 0: never.
        durability: "full" (publish and endings survive power loss), "publish" or "off".
        retention_seconds: age at which done jobs are removed, by consumers in passing.
        retention_jobs: so many done jobs are kept, those published last; 0: any number.
        retention_bytes: so much of done jobs is kept (tasks, results, records); 0: any size.
        retry_delay_seconds: back-off before the second attempt of a failed job, doubled each time.
        retry_delay_max_seconds: the longest back-off.
        max_task_bytes: the largest payload that may be published, or read into memory.
        max_waiting: so many jobs may wait (ready or delayed); more are refused. 0: any number.
        max_bytes: tasks of so many bytes may wait; more are refused. 0: any size.
        group: group-shared spool (2770, files 0660) instead of private (0700, files 0600).
        allow_others: accept a spool directory that everybody may write to.
        watch: "auto" (events on local file systems, else polling), "events" or "poll".
        poll_seconds: the longest time between two looks at ready/ when events cannot be had.
        sweep_seconds: age at which leftovers of dead processes in sys/tmp/ are removed.
        journal_seconds: how long the journal of ended attempts is kept; 0: none is written.
    """

    lease_seconds: float = 60.0
    max_attempts: int = 0
    durability: str = "full"
    retention_seconds: float = 86400.0
    retention_jobs: int = 0
    retention_bytes: int = 0
    retry_delay_seconds: float = 1.0
    retry_delay_max_seconds: float = 300.0
    max_task_bytes: int = 64 * 1024 * 1024
    max_waiting: int = 0
    max_bytes: int = 0
    group: bool = False
    allow_others: bool = False
    watch: str = "auto"
    poll_seconds: float = 1.0
    sweep_seconds: float = 3600.0
    journal_seconds: float = 14 * 86400.0

    @property
    def syncs_publish(self) -> bool:
        """Whether a publish must survive a power loss."""
        return self.durability != "off"

    @property
    def syncs_endings(self) -> bool:
        """Whether done, fail, cancel and retry must survive a power loss."""
        return self.durability == "full"


def checked(values: Mapping[str, object]) -> Settings:
    """Settings from named values.

    Raises:
        InvalidSetting: an unknown name, a wrong type, or a value that makes no sense.
    """
    known = Settings()._asdict()
    for name in values:
        if name not in known:
            raise InvalidSetting(name, values[name], "one of " + ", ".join(sorted(known)))
    merged = {
        name: _typed(name, values.get(name, default), default) for name, default in known.items()
    }
    settings = Settings(**merged)  # type: ignore[arg-type]
    _check_ranges(settings)
    return settings


def _typed(name: str, value: object, default: object) -> object:
    if isinstance(default, float):
        return checked_seconds(name, value)
    if isinstance(value, bool) != isinstance(default, bool) or not isinstance(value, type(default)):
        raise InvalidSetting(name, value, _JSON_KINDS[type(default)])
    return value


def checked_seconds(name: str, value: object, *, positive: bool = False) -> float:
    """A duration in seconds: a finite number from 0 (or above 0) to ten years.

    Raises:
        InvalidSetting: anything else, NaN, infinities, booleans and texts included.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidSetting(name, value, "a number of seconds")
    if not 0 <= value <= MAX_SECONDS or (positive and value == 0):
        low = "above 0" if positive else "from 0"
        raise InvalidSetting(name, value, f"a number of seconds {low} to {MAX_SECONDS:.0f}")
    return float(value)


def checked_count(name: str, value: object, least: int, most: int) -> int:
    """A whole number from `least` to `most`.

    Raises:
        InvalidSetting: anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidSetting(name, value, f"a whole number from {least} to {most}")
    return value


def _check_ranges(settings: Settings) -> None:
    for name in ("lease_seconds", "poll_seconds"):
        checked_seconds(name, getattr(settings, name), positive=True)
    checked_count("max_attempts", settings.max_attempts, 0, 10**8)
    for name in ("retention_jobs", "retention_bytes", "max_waiting", "max_bytes"):
        checked_count(name, getattr(settings, name), 0, 2**60)
    checked_count("max_task_bytes", settings.max_task_bytes, 1, 2**40)
    if settings.durability not in DURABILITIES:
        raise InvalidSetting("durability", settings.durability, "one of " + ", ".join(DURABILITIES))
    if settings.watch not in WATCHES:
        raise InvalidSetting("watch", settings.watch, "one of " + ", ".join(WATCHES))
    if settings.retry_delay_max_seconds < settings.retry_delay_seconds:
        raise InvalidSetting(
            "retry_delay_max_seconds",
            settings.retry_delay_max_seconds,
            f"at least retry_delay_seconds ({settings.retry_delay_seconds})",
        )


def to_text(settings: Settings) -> bytes:
    """The contents of spool.json."""
    import json  # noqa: PLC0415 - only `init` writes them

    return (json.dumps({"format": FORMAT, **settings._asdict()}, indent=2) + "\n").encode()


def from_mapping(found: Mapping[str, object]) -> Settings:
    """Settings from a parsed spool.json; keys this release does not know are left alone.

    Raises:
        InvalidSetting: a value that makes no sense.
    """
    known = Settings._fields
    return checked({name: value for name, value in found.items() if name in known})
