"""The peers that are servers: each is started on the benchmark's directory, and ended."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import socket
import subprocess
import time
from typing import Any

from tests.benchmarks.peers import Peer, Unavailable


def _program(name: str) -> str:
    places = [*os.environ["PATH"].split(":"), "/usr/sbin", "/usr/local/bin"]
    places += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    found = shutil.which(name, path=":".join(places))
    if found is None:
        raise Unavailable(f"{name} is not installed")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Server(Peer):
    def _start(self, *words: str, user: str | None = None) -> int:
        port = _free_port()
        given = [word.replace("PORT", str(port)) for word in words]
        self._process = subprocess.Popen(
            given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user
        )
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return port
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise Unavailable(f"{words[0]} did not start")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


class Beanstalkd(_Server):
    """beanstalkd with a log that is synced at every write (-f 0)."""

    name = "beanstalkd -f 0"
    durability = "full"
    _words = ("-f", "0")

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        import greenstalk

        port = self._start(
            _program("beanstalkd"), "-l", "127.0.0.1", "-p", "PORT", "-b", folder, *self._words
        )
        self._client = greenstalk.Client(("127.0.0.1", port), encoding=None)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._client.put(payload)

    def take(self, count: int) -> list[bytes]:
        import greenstalk

        taken: list[bytes] = []
        with contextlib.suppress(greenstalk.TimedOutError):
            while len(taken) < count:
                job = self._client.reserve(timeout=0)
                self._client.delete(job)
                taken.append(job.body)
        return taken

    def close(self) -> None:
        self._client.close()
        super().close()


class BeanstalkdDefault(Beanstalkd):
    """beanstalkd as it comes with a log: synced every 50 ms."""

    name = "beanstalkd"
    durability = "off"
    _words = ()


class RedisQueue(_Server):
    """RQ on Redis that appends to a file and syncs it every second, its default with AOF."""

    name = "RQ on Redis"

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        import redis
        import rq

        port = self._start(
            _program("redis-server"), "--port", "PORT", "--dir", folder, "--appendonly", "yes",
            "--save", "",
        )  # fmt: skip
        self._redis = redis.Redis(port=port)
        self._queue = rq.Queue("bench", connection=self._redis)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._queue.enqueue(len, payload)

    def take(self, count: int) -> list[bytes]:
        """Without rq's worker, which forks for each job: its queue and its acknowledgement alone."""
        from rq.job import Job

        taken: list[bytes] = []
        while len(taken) < count:
            job_id = self._redis.lpop(self._queue.key)
            if job_id is None:
                break
            job: Any = Job.fetch(job_id.decode(), connection=self._redis)
            taken.append(job.args[0])
            job.delete()
        return taken


class Postgres(Peer):
    """A table in PostgreSQL, taken from by FOR UPDATE SKIP LOCKED; commits are synced."""

    name = "PostgreSQL"
    durability = "full"
    _synchronous = "on"

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        import psycopg

        self._control = _program("pg_ctl")
        self._data = os.path.join(folder, "data")
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            try:
                shutil.chown(folder, self._user)
            except LookupError:
                self._user = "nobody"
                shutil.chown(folder, self._user)
        self._run(_program("initdb"), "-D", self._data, "-A", "trust", "-U", "bench")
        port = _free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        self._run(
            self._control, "-D", self._data, "-w", "-l", f"{folder}/log", "-o", options, "start"
        )
        self._connection = psycopg.connect(
            f"host=127.0.0.1 port={port} user=bench dbname=postgres", autocommit=True
        )
        self._connection.execute(f"SET synchronous_commit TO {self._synchronous}")
        self._connection.execute("CREATE TABLE tasks (id bigserial PRIMARY KEY, task bytea)")

    def _run(self, *words: str) -> None:
        ended = subprocess.run(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=self._user,
            cwd=self.folder, check=False,
        )  # fmt: skip
        if ended.returncode:
            raise Unavailable(f"{os.path.basename(words[0])} failed")

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._connection.execute("INSERT INTO tasks (task) VALUES (%s)", (payload,))

    def take(self, count: int) -> list[bytes]:
        """Held by an open transaction while it is worked on, as such queues do it."""
        taken: list[bytes] = []
        while len(taken) < count:
            with self._connection.transaction():
                found = self._connection.execute(
                    "DELETE FROM tasks WHERE id = (SELECT id FROM tasks ORDER BY id "
                    "FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING task"
                ).fetchone()
            if found is None:
                break
            taken.append(bytes(found[0]))
        return taken

    def close(self) -> None:
        self._connection.close()
        self._run(self._control, "-D", self._data, "-m", "immediate", "stop")


class PostgresAsync(Postgres):
    """The same, without waiting for the disk."""

    name = "PostgreSQL, asynchronous"
    durability = "off"
    _synchronous = "off"


SERVERS: tuple[type[Peer], ...] = (
    Beanstalkd,
    BeanstalkdDefault,
    RedisQueue,
    Postgres,
    PostgresAsync,
)
