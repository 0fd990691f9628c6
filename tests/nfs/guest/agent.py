"""The guest's side of `guests.Guest.start`: one process for each connection, on the socket itself.

A request is one line of JSON: {"argv": [...], "env": {...}}. What the process prints goes straight
into the connection, so that nothing is held back when the guest is killed; then comes one line with
a zero byte and the exit status.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess

PORT = 7000


def request_of(connection: socket.socket) -> dict[str, object]:
    """Read the one line, byte by byte: nothing after it is ours."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            os._exit(0)
        line += byte
    return json.loads(line)


def serve(connection: socket.socket) -> None:
    """Run one request."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = request_of(connection)
    try:
        process = subprocess.Popen(
            request["argv"],
            env={**os.environ, **request["env"]},
            cwd="/run",
            stdin=connection,
            stdout=connection,
            stderr=connection,
            start_new_session=True,
        )
        status = process.wait()
    except OSError as error:
        connection.sendall(f"{error}\n".encode())
        status = 127
    connection.sendall(b"\0%d\n" % status)


def main() -> None:
    """Accept for ever."""
    server = socket.create_server(("0.0.0.0", PORT), backlog=64)  # the lab's own network
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = server.accept()
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            serve(connection)
            os._exit(0)
        connection.close()


if __name__ == "__main__":
    main()
