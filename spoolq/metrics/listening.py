"""Listening for scrapes: prometheus_client's own small server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import start_http_server

from spoolq.metrics.collecting import registry_of

if TYPE_CHECKING:
    import threading

    from spoolq.metrics.collecting import Collector


def listen(collector: Collector, host: str, port: int) -> tuple[Any, threading.Thread]:
    """Serve scrapes on a thread; the server (`server_port`, `shutdown()`) and the thread.

    Raises:
        OSError: the address cannot be had.
    """
    return start_http_server(port, host, registry_of(collector))
