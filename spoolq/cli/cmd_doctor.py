"""`spoolq doctor`: check a spool and explain what is wrong with it."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from spoolq.cli.table import Table
    from spoolq.upkeep.doctor import Finding

_NO_CHECK = {"check": None, "verdict": None, "figures": None}


def add_arguments(table: Table) -> None:
    """The options of `spoolq doctor`."""
    options.describe(
        table,
        """
Look at everything in the spool and say what is not as it should be, one line each: foreign
files, records without a job, leases nobody takes back, unreadable sidecars, wrong modes, a clock
that is off. Tells too what file system this is and what follows from it. Changes nothing.

With --fix it repairs what can be repaired without guessing, and tells what it did: missing
directories, modes, leases nobody took back, leftovers of dead processes; foreign things are moved
to quarantine/. It never deletes a task.

With --probe the file system itself is tested, in sys/tmp/, and each test's outcome is told: renames,
exclusive creation, time stamps and clocks, listings, syncs, modes, locks; and what spoolq will do
because of it. With --peer on two hosts at the same time they also measure how soon each sees what
the other makes.
""",
        """
spoolq doctor
spoolq doctor --json | jq -r .path
spoolq doctor --fix
spoolq doctor --probe
spoolq doctor --probe --peer 5m    # and the same on another host
""",
        {
            0: "nothing found, or all of it repaired",
            1: "there are findings, an unsafe file system, no peer, or an error",
        },
    )
    table.add_argument("--fix", action="store_true", help="repair what is no matter of guessing")
    table.add_argument("--probe", action="store_true", help="test the file system as well")
    table.add_argument(
        "--peer",
        metavar="DUR",
        nargs="?",
        const=60.0,
        type=options.duration,
        help="with --probe: test it together with a second host, which may come within DUR (60s)",
    )
    options.add_json(table)


def run(args: argparse.Namespace) -> int:
    """Examine; 1 when something was found."""
    from spoolq.disk.identity import absolute
    from spoolq.upkeep import doctor

    path = absolute(options.spool_path(args))
    seen = doctor.examine(path)
    left = 0
    for finding, fixed in _mended(path, seen.findings) if args.fix else _as_found(seen.findings):
        left += fixed is None
        _tell(args, finding, fixed)
    if not args.json:
        for name, fact in seen.facts.items():
            output.line(output.printable(f"{name}: {fact}"))
        count = len(seen.findings)
        told = f"{count} finding{'' if count == 1 else 's'}" if count else "nothing found"
        output.line(f"{told}, {left} left" if args.fix and count else told)
    fit = _probe(args, path) if args.probe or args.peer is not None else True
    return 0 if fit and not left else 1


def _as_found(findings: list[Finding]) -> Iterator[tuple[Finding, str | None]]:
    return ((finding, None) for finding in findings)


def _mended(path: str, findings: list[Finding]) -> Iterator[tuple[Finding, str | None]]:
    from spoolq.upkeep.mending import mend

    return mend(path, findings)


def _tell(args: argparse.Namespace, finding: Finding, fixed: str | None) -> None:
    told = {"path": finding.path, "what": finding.what, "advice": finding.advice}
    if args.json:
        output.json_line({**told, **_NO_CHECK, "fixed": fixed})
        return
    so_what = finding.advice if fixed is None else f"fixed: {fixed}"
    output.line(output.printable(f"{finding.path}: {finding.what}: {so_what}"))


def _probe(args: argparse.Namespace, path: str) -> bool:
    """Test the file system, telling each outcome as it comes; whether all of it will do."""
    from spoolq.upkeep import probe

    fit = True
    for check in probe.checks(path, args.peer):
        fit = fit and not check.is_finding
        if args.json:
            told = {"path": ".", "what": check.what, "advice": check.advice}
            output.json_line(
                {
                    **told,
                    "check": check.check,
                    "verdict": check.verdict,
                    "figures": check.figures,
                    "fixed": None,
                }
            )
        else:
            advice = f": {check.advice}" if check.advice else ""
            output.line(output.printable(f"{check.check}: {check.verdict}: {check.what}{advice}"))
        output.flush()
    return fit
