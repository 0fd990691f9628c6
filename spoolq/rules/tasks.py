"""What may be published: payloads and their options, checked and normalised. No I/O."""

from __future__ import annotations

from spoolq.errors import InvalidSetting, InvalidTask
from spoolq.rules import names
from spoolq.rules.settings import checked_count, checked_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_HEADERS_BYTES = 16 * 1024


class Options:
    """The options of one publish, as `checked_options` lets them through.

    Attributes:
        need_record: whether a meta record has to go with the job.
        is_plain: whether nothing but a priority was asked for.
    """

    __slots__ = (
        "delay_seconds", "headers", "is_plain", "key", "lease_seconds", "max_attempts",
        "need_record", "priority",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917
        self,
        priority: int = 5,
        delay_seconds: float = 0.0,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        lease_seconds: float | None = None,
        max_attempts: int | None = None,
    ) -> None:
        self.priority = priority
        self.delay_seconds = delay_seconds
        self.key = key
        self.headers = headers
        self.lease_seconds = lease_seconds
        self.max_attempts = max_attempts
        given = (key, headers, lease_seconds, max_attempts)
        self.need_record = any(value is not None for value in given)
        self.is_plain = not self.need_record and delay_seconds <= 0


_PLAIN = tuple(map(Options, range(10)))


def checked_task(task: object, max_task_bytes: int) -> bytes:
    """The payload as bytes.

    Raises:
        InvalidTask: not bytes-like, or larger than `max_task_bytes`.
    """
    if type(task) is bytes and len(task) <= max_task_bytes:
        return task
    if not isinstance(task, (bytes, bytearray, memoryview)):
        raise InvalidTask(f"a task is bytes, not {type(task).__name__}; encode it first")
    payload = bytes(task)
    if len(payload) > max_task_bytes:
        raise InvalidTask(f"task of {len(payload)} bytes is over max_task_bytes={max_task_bytes}")
    return payload


def checked_result(result: object) -> bytes:
    """What `done` is to keep, as bytes.

    Raises:
        InvalidTask: not bytes-like.
    """
    if not isinstance(result, (bytes, bytearray, memoryview)):
        raise InvalidTask(f"a result is bytes, not {type(result).__name__}")
    return bytes(result)


def checked_options(  # noqa: PLR0917
    priority: object,
    delay: object,
    key: object,
    headers: object,
    lease_seconds: object,
    max_attempts: object,
) -> Options:
    """The options of a publish.

    Raises:
        InvalidTask: an option that makes no sense.
    """
    if (
        (key is None and headers is None and lease_seconds is None and max_attempts is None)
        and (type(priority) is int and 0 <= priority <= 9)
        and (type(delay) is float and delay == 0.0)
    ):
        return _PLAIN[priority]  # most tasks have no options; an object for each would cost 3 us
    try:
        return Options(
            priority=checked_count("priority", priority, 0, 9),
            delay_seconds=checked_seconds("delay", delay),
            key=_checked_key(key),
            headers=_checked_headers(headers),
            lease_seconds=None
            if lease_seconds is None
            else checked_seconds("lease_seconds", lease_seconds, positive=True),
            max_attempts=None
            if max_attempts is None
            else checked_count("max_attempts", max_attempts, 0, 10**8),
        )
    except InvalidSetting as error:
        raise InvalidTask(str(error)) from error


def _checked_key(key: object) -> str | None:
    if key is None:
        return None
    if not isinstance(key, str) or not names.is_key(key):
        raise InvalidTask(
            f"key {str(key)[:80]!r}: expected letters, digits, '-' and '_', in fields joined by "
            f"'.', at most {names.MAX_KEY} characters"
        )
    return key


def _checked_headers(headers: object) -> dict[str, str] | None:
    if headers is None or headers == {}:
        return None
    if not isinstance(headers, dict):
        raise InvalidTask(f"headers are a dict of texts, not {type(headers).__name__}")
    total = 0
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidTask(f"headers: the name and value of {name!r} are not both texts")
        try:
            total += len(name.encode()) + len(value.encode())
        except UnicodeEncodeError:
            raise InvalidTask(f"headers: {name!r} is not valid Unicode text") from None
    if total > MAX_HEADERS_BYTES:
        raise InvalidTask(f"headers of {total} bytes are over {MAX_HEADERS_BYTES}")
    return dict(headers)
