"""`spoolq status --check`: one line and an exit status by the conventions of Nagios plugins."""

from __future__ import annotations

from spoolq.cli import options, output
from spoolq.cli.failures import told
from spoolq.errors import SpoolqError
from spoolq.rules import thresholds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from spoolq.rules.overview import Overview


_DIGITS = set("0123456789.")


def check(args: argparse.Namespace) -> int:
    """Look once and print the verdict; whatever prevents the look makes it UNKNOWN."""
    try:
        warning, critical = limits(args.warning), limits(args.critical)
        seen = _look(args)
    except (SpoolqError, options.UsageError, OSError) as error:
        return _tell(args, thresholds.UNKNOWN, [told(error)], None, "")
    verdict = thresholds.judge(seen, warning, critical)
    figures = thresholds.performance(seen, warning, critical)
    return _tell(args, verdict.state, verdict.reasons, seen, figures)


def _look(args: argparse.Namespace) -> Overview:
    from spoolq.looking.overview import Lookout
    from spoolq.queue import internals

    with options.open_spool(args, publish_only=True) as spool:
        return Lookout(internals(spool)).look()


def limits(given: Iterable[str]) -> dict[str, float]:
    """`NAME=LIMIT` texts as figures' names and numbers.

    Raises:
        UsageError: an unknown name, or a limit that is no number (or duration).
    """
    return dict(_limit(text) for text in given)


def _limit(text: str) -> tuple[str, float]:
    import argparse

    name, equals, value = text.partition("=")
    figure = thresholds.FIGURES.get(name)
    if figure is None or not equals:
        raise options.UsageError(
            f"{text!r} is no limit; write NAME=LIMIT, NAME one of {', '.join(thresholds.FIGURES)}"
        )
    if not figure.is_time:
        return name, _number(name, value.removesuffix(figure.unit))
    try:
        return name, options.duration(value)
    except argparse.ArgumentTypeError as error:
        raise options.UsageError(f"{name}: {error}") from None


def _number(name: str, text: str) -> float:
    if set(text) <= _DIGITS:  # no sign, no exponent, no nan
        try:
            return float(text)
        except ValueError:
            pass
    raise options.UsageError(f"{name}: {text!r} is no number")


def _tell(
    args: argparse.Namespace, state: int, reasons: list[str], seen: Overview | None, figures: str
) -> int:
    word = thresholds.STATES[state]
    if args.json:
        output.json_line(
            {"state": word.lower(), "reasons": reasons, "performance": figures or None}
        )
        return state
    counts = "" if seen is None else _counts(seen)
    first = "; ".join(part for part in (*reasons[:1], counts) if part)
    # A bar begins the performance data.
    text = f"SPOOLQ {word} - {_plain(first)}"
    output.line(text + (f" | {figures}" if figures else ""))
    for reason in reasons[1:]:
        output.line(_plain(reason))
    return state


def _plain(text: str) -> str:
    return output.printable(text).replace("|", "/")


def _counts(seen: Overview) -> str:
    named = ("ready", "leased", "delayed", "failed")
    told_counts = ", ".join(f"{seen.counts[name]} {name}" for name in named)
    return f"{told_counts}, {len(seen.alive)} workers"
