"""The report as a page that renews itself: read-only, on loopback, behind a secret path.

Other users of this host can reach loopback, and pages in a browser can reach it too. So the path
begins with a secret that only who started this knows, and requests for another host are refused.
"""

from __future__ import annotations

import hmac
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from spoolq.later import log_named
from spoolq.report import gather, page

if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

_log = log_named("spoolq.web")
LOOPBACK = "127.0.0.1"
LIVE_SECONDS = 5.0
REST_SHARE = 5.0
"""Values that took t seconds to gather are shown for 5 t at least, however many browsers ask."""
_HOSTS = frozenset((LOOPBACK, "localhost"))


class Source:
    """The values of the page, gathered anew when they are old, once for all who ask."""

    def __init__(self, spool: OpenSpool, last_seconds: float) -> None:
        self._spool = spool
        self._last_seconds = last_seconds
        self._lock = threading.Lock()
        self._values: dict[str, Any] | None = None
        self._good_until = 0.0

    def values(self) -> dict[str, Any]:
        """What the page shows.

        Raises:
            OSError: the spool cannot be read.
        """
        with self._lock:
            local = self._spool.clock.local
            began = local()
            if self._values is None or began >= self._good_until:
                since = self._spool.clock.estimate() - self._last_seconds
                self._values = page.values(gather.gather(self._spool, since))
                self._good_until = local() + max(LIVE_SECONDS / 2, REST_SHARE * (local() - began))
            return self._values


def server(source: Source, port: int, secret: str) -> ThreadingHTTPServer:
    """A server on loopback, ready to serve; port 0: a free one.

    Raises:
        OSError: the port is taken.
    """

    class Handler(_Handler):
        """One request, with what it is answered from."""

    Handler.source, Handler.secret = source, secret
    made = ThreadingHTTPServer((LOOPBACK, port), Handler)
    made.daemon_threads = True
    return made


class _Handler(BaseHTTPRequestHandler):
    """GET of the page and of its values; everything else is refused."""

    source: Source
    secret: str
    server_version = "spoolq"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        """Answer with the page or its values, behind the secret path only."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in _HOSTS:
            self._answer(403, "text/plain", b"this page is for loopback only\n")
            return
        _, _, rest = self.path.partition("/")
        secret, _, name = rest.partition("/")
        if not hmac.compare_digest(secret.encode(), self.secret.encode()):
            self._answer(404, "text/plain", b"not found; use the address that was printed\n")
            return
        try:
            self._answer_with(name)
        except OSError as error:
            _log.warning("%s", error)
            self._answer(503, "text/plain", b"the spool cannot be read at the moment\n")

    def _answer_with(self, name: str) -> None:
        if name == "":
            text = page.html(self.source.values(), live_seconds=LIVE_SECONDS)
            self._answer(200, "text/html; charset=utf-8", text.encode())
        elif name == "data.json":
            content = page.embedded(self.source.values()).encode()
            self._answer(200, "application/json", content)
        else:
            self._answer(404, "text/plain", b"not found\n")

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        try:
            self.send_response(status)
            for name, value in (
                ("Content-Type", kind),
                ("Content-Length", str(len(content))),
                ("Cache-Control", "no-store"),
                ("Referrer-Policy", "no-referrer"),
                ("X-Content-Type-Options", "nosniff"),
                ("X-Frame-Options", "DENY"),
                ("Cross-Origin-Resource-Policy", "same-origin"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the browser went away

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Requests are nothing to tell of."""
        _log.debug(format, *args)


def address(serving: ThreadingHTTPServer, secret: str) -> str:
    """What to open in a browser."""
    return f"http://{LOOPBACK}:{serving.server_port}/{secret}/"
