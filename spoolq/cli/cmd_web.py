"""`spoolq web`: the report, live in a browser on this host."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table

_DEFAULT_PORT = 8765


def add_arguments(table: Table) -> None:
    """The options of `spoolq web`."""
    options.describe(
        table,
        """
Serve the page of `spoolq report` so that it renews itself every few seconds, and print its address.
Only reads the spool; nothing can be changed through it.

It listens on this host's loopback alone, and its address holds a secret, new each time: other users
of this host do not see it. From elsewhere, let ssh carry it.
""",
        """
spoolq web
ssh -L 8765:127.0.0.1:8765 queuehost spoolq -s /shared/spool web
""",
        {},
    )
    table.add_argument(
        "--port", metavar="N", type=options.whole_number(0, 65535), default=_DEFAULT_PORT,
        help=f"the port on loopback; 0: a free one (default {_DEFAULT_PORT})",
    )  # fmt: skip
    table.add_argument(
        "--last", metavar="DUR", type=options.duration, default=86400.0,
        help="attempts that ended so long ago or later (default 1d)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    import secrets

    from spoolq.queue import internals
    from spoolq.report import web

    with options.open_spool(args, publish_only=True) as spool:
        secret = secrets.token_urlsafe(18)
        source = web.Source(internals(spool), args.last)
        try:
            serving = web.server(source, args.port, secret)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"port {args.port}") from None
        with serving:
            output.line(web.address(serving, secret))
            output.flush()
            serving.serve_forever()
    return 0
