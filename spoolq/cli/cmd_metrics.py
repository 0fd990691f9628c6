"""`spoolq metrics`: a spool's figures for Prometheus."""

from __future__ import annotations

from spoolq.cli import options, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from spoolq.cli.table import Table
    from spoolq.metrics.collecting import Collector
    from spoolq.queue import Spool

_LOOPBACK = "127.0.0.1"


def add_arguments(table: Table) -> None:
    """The options of `spoolq metrics`."""
    options.describe(
        table,
        """
Print a spool's figures in the text format of Prometheus, write them to a file for node_exporter's
textfile collector, or listen for scrapes. Only reads the spool.

Counters and histograms (attempts by outcome, how long they took and waited) need a memory: the FILE
itself with --output, the process with --listen; printed to standard output they are left out. They
follow the spool's journal, which tells of jobs that long-lived processes take: workers and users of
the library, not single calls of get and done.

Needs the extra: pip install 'spoolq[metrics]'.
""",
        """
spoolq metrics
spoolq metrics --output /var/lib/node_exporter/textfile/spoolq.prom
spoolq metrics --output spoolq.prom --every 15s
spoolq metrics --listen 9639
spoolq metrics --listen 0.0.0.0:9639
""",
        {},
    )
    way = table.add_mutually_exclusive_group()
    way.add_argument("--output", metavar="FILE", help="replace FILE, whole at every moment")
    way.add_argument(
        "--listen", metavar="[HOST:]PORT", type=_address, help="serve scrapes (default: loopback)"
    )
    table.add_argument(
        "--every", metavar="SECONDS", type=options.duration, help="with --output: again and again"
    )


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    number = options.whole_number(0, 65535)(port)
    return (host.strip("[]") or "0.0.0.0" if colon else _LOOPBACK), number  # noqa: S104 - as asked


def run(args: argparse.Namespace) -> int:
    """Print, write or serve."""
    if args.every is not None and not args.output:
        raise options.UsageError("--every goes with --output")
    if args.every is not None and args.every <= 0:
        raise options.UsageError("--every has to be above 0")
    try:
        import spoolq.metrics.collecting  # noqa: F401
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("prometheus_client"):
            raise
        output.say("metrics need prometheus_client: pip install 'spoolq[metrics]'")
        return 1
    with options.open_spool(args) as spool:
        if args.listen is not None:
            return _listen(spool, *args.listen)
        if args.output:
            return _write(spool, args.output, args.every)
        return _print(spool)


def _collector(spool: Spool, remembered_in: str | None = None, *, counts: bool = True) -> Collector:
    from spoolq import __version__
    from spoolq.metrics import remembering
    from spoolq.metrics.collecting import Collector
    from spoolq.queue import internals

    tally = remembering.tally_in(remembered_in, spool.path) if remembered_in else None
    return Collector(internals(spool), __version__, tally, counts=counts)


def _print(spool: Spool) -> int:
    from spoolq.metrics.collecting import text_of

    output.raw(text_of(_collector(spool, counts=False)))
    return 0


def _write(spool: Spool, path: str, every_seconds: float | None) -> int:
    import time

    from spoolq.metrics import remembering
    from spoolq.metrics.collecting import text_of

    collector = _collector(spool, path)
    while True:
        remembering.write_whole(path, text_of(collector))
        if every_seconds is None:
            return 0
        time.sleep(every_seconds)


def _listen(spool: Spool, host: str, port: int) -> int:
    from spoolq.metrics.listening import listen

    try:
        server, thread = listen(_collector(spool), host, port)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from None
    output.say(f"metrics of {spool.path} at http://{host}:{server.server_port}/metrics")
    try:
        thread.join()
    finally:
        server.shutdown()
        server.server_close()
    return 0
