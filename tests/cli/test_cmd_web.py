"""`spoolq web`: the report over HTTP, on loopback, read-only, behind a secret."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from support.command_line import command
from support.journals import a_day, server_now, write_journal
from support.processes import environment
from support.spools import everything_under

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spoolq import Spool


@pytest.fixture
def address(spool: Spool) -> Iterator[str]:
    """A running `spoolq web` and where it is."""
    write_journal(spool, a_day(server_now(spool), 40, ["alpha-1"]))
    started = subprocess.Popen(
        command("web", "--port", "0"),
        stdout=subprocess.PIPE,
        env=environment(SPOOLQ_DIR=spool.path),
        text=True,
    )
    assert started.stdout is not None
    yield started.stdout.readline().strip()
    started.send_signal(signal.SIGINT)
    assert started.wait(timeout=60) == 130
    started.stdout.close()


def ask(
    address: str, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request; status, headers, content."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), content


def test_page_and_its_values_are_served_at_the_printed_address(address: str) -> None:
    secret = urlsplit(address).path
    status, headers, content = ask(address, secret)
    assert status == 200
    assert b'data-live="5"' in content
    assert headers["Cache-Control"] == "no-store"
    status, headers, content = ask(address, f"{secret}data.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(content)["attempts"] == 40


@pytest.mark.parametrize("path", ["/", "/data.json", "//", "/x/", "/../spool.json"])
def test_without_the_secret_there_is_nothing(address: str, path: str) -> None:
    status, _, content = ask(address, path)
    assert status == 404
    assert b"alpha" not in content


def test_nothing_else_is_served(address: str) -> None:
    secret = urlsplit(address).path
    for path in ("spool.json", "../spool.json", "%2e%2e/spool.json", "data.json?x=1"):
        assert ask(address, secret + path)[0] == 404


def test_a_name_of_another_host_is_refused(address: str) -> None:
    """As a page elsewhere would send it that had its name pointed to loopback."""
    secret = urlsplit(address).path
    assert ask(address, secret, Host="evil.example:8765")[0] == 403
    assert ask(address, secret, Host="localhost:8765")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(address: str, spool: Spool, method: str) -> None:
    before = everything_under(spool.path)
    assert ask(address, urlsplit(address).path, method)[0] == 501
    assert everything_under(spool.path) == before


def test_it_listens_on_loopback_alone(address: str) -> None:
    assert urlsplit(address).hostname == "127.0.0.1"


def test_values_are_not_gathered_for_each_who_asks(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spoolq.queue import internals
    from spoolq.report import web

    gathered: list[float] = []
    real = web.gather.gather

    def counted(*args: Any) -> Any:
        gathered.append(args[1])
        return real(*args)

    monkeypatch.setattr(web.gather, "gather", counted)
    monkeypatch.setattr(internals(spool).clock, "local", lambda: 1000.0)
    source = web.Source(internals(spool), 3600)
    assert [source.values()["attempts"] for _ in range(3)] == [0, 0, 0]
    assert len(gathered) == 1


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--port", "70000"), "argument --port: '70000' is no whole number from 0 to 65535"),
        (("--last", "ever"), "argument --last: 'ever' is no duration"),
    ],
)
def test_wrong_usage(cli: Callable, words: tuple[str, ...], why: str) -> None:
    ran = cli("web", *words)
    assert why in ran.bad(2)
    assert ran.out == ""


def test_a_port_that_is_taken_is_named(cli: Callable) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port}" in cli("web", "--port", port).bad(1)
