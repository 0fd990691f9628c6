"""`spoolq doctor`: check a spool and explain what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from spoolq.cli import options, output

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `spoolq doctor`."""
    options.describe(
        parser,
        """
Look at everything in the spool and say what is not as it should be, one line each: foreign
files, records without a job, leases nobody takes back, unreadable sidecars, wrong modes, a clock
that is off. Tells too what file system this is and what follows from it. Changes nothing.
""",
        """
spoolq doctor
spoolq doctor --json | jq -r .path
""",
        {0: "nothing found", 1: "there are findings, or an error"},
    )
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Examine; 1 when something was found."""
    from spoolq.disk.identity import absolute
    from spoolq.upkeep import doctor

    seen = doctor.examine(absolute(options.spool_path(args)))
    for finding in seen.findings:
        if args.json:
            output.json_line(asdict(finding))
        else:
            told = f"{finding.path}: {finding.what}: {finding.advice}"
            output.line(output.printable(told))
    if not args.json:
        for name, fact in seen.facts.items():
            output.line(output.printable(f"{name}: {fact}"))
        count = len(seen.findings)
        output.line(f"{count} finding{'' if count == 1 else 's'}" if count else "nothing found")
    return 1 if seen.findings else 0
