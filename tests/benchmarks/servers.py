"""The peers that are servers: each is started on the benchmark's directory, and ended."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from typing import Any

from tests.benchmarks.peers import Peer, Unavailable, payloads_of


def _program(name: str) -> str:
    places = [*os.environ["PATH"].split(":"), "/usr/sbin", "/usr/local/bin"]
    places += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    found = shutil.which(name, path=":".join(places))
    if found is None:
        raise Unavailable(f"{name} is not installed")
    return found


class Server:
    """A process that listens on a port of 127.0.0.1; PORT in its words stands for the port."""

    def __init__(
        self, *words: str, user: str | None = None, end: signal.Signals = signal.SIGTERM
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._end = end
        self._process = subprocess.Popen(
            [word.replace("PORT", str(self.port)) for word in words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            user=user, cwd="/",
        )  # fmt: skip
        if not self._answers():
            self.close()
            raise Unavailable(f"{words[0]} did not start")

    def _answers(self) -> bool:
        until = time.monotonic() + 30
        while self._process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return True
            time.sleep(0.02)
        return False

    def close(self) -> None:
        """End it, by force if it must be."""
        self._process.send_signal(self._end)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Beanstalkd(Peer):
    """beanstalkd with a log that is synced at every write (-f 0)."""

    name = "beanstalkd -f 0"
    durability = "full"
    _words: tuple[str, ...] = ("-f", "0")

    @classmethod
    def serve(cls, folder: str) -> Server:
        place = ("-l", "127.0.0.1", "-p", "PORT", "-b", folder)
        return Server(_program("beanstalkd"), *place, *cls._words)

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder)
        import greenstalk

        self._client = greenstalk.Client(("127.0.0.1", port), encoding=None)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._client.put(payload)

    def take(self, count: int) -> list[bytes]:
        import greenstalk

        taken: list[bytes] = []
        with contextlib.suppress(greenstalk.TimedOutError):
            while len(taken) < count:
                taken.append(self.wait(0))
        return taken

    def wait(self, seconds: float) -> bytes:
        job = self._client.reserve(timeout=int(seconds))
        self._client.delete(job)
        return bytes(job.body)

    def close(self) -> None:
        self._client.close()


class BeanstalkdDefault(Beanstalkd):
    """beanstalkd as it comes with a log: synced every 50 ms."""

    name = "beanstalkd"
    durability = "off"
    crowd = 4000
    _words = ()


class RedisList(Peer):
    """A list in Redis and one of what is being worked on; its log is synced every second."""

    name = "Redis list"
    crowd = 4000

    @classmethod
    def serve(cls, folder: str) -> Server:
        kept = ("--dir", folder, "--appendonly", "yes", "--save", "")
        return Server(_program("redis-server"), "--port", "PORT", "--bind", "127.0.0.1", *kept)

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder)
        import redis

        self._redis = redis.Redis(port=port)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._redis.lpush("waiting", payload)

    def fill(self, count: int) -> None:
        self._redis.lpush("waiting", *payloads_of(range(count)))

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        while len(taken) < count and (found := self._redis.lmove("waiting", "taken")):
            taken.append(self._finished(found))
        return taken

    def wait(self, seconds: float) -> bytes:
        return self._finished(self._redis.blmove("waiting", "taken", int(seconds), "RIGHT", "LEFT"))

    def _finished(self, payload: Any) -> bytes:
        self._redis.lrem("taken", 1, payload)
        return bytes(payload)

    def close(self) -> None:
        self._redis.close()


class RedisQueue(RedisList):
    """RQ on such a Redis, without its worker, which forks for each job."""

    name = "RQ on Redis"
    crowd = 1000
    most = 10_000

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder, port)
        import rq

        self._queue = rq.Queue("bench", connection=self._redis)

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._queue.enqueue(len, payload)

    def fill(self, count: int) -> None:
        self.publish(payloads_of(range(count)))

    def take(self, count: int) -> list[bytes]:
        taken: list[bytes] = []
        while len(taken) < count and (found := self._next(None)):
            taken.append(found)
        return taken

    def wait(self, seconds: float) -> bytes:
        found = self._next(int(seconds))
        if found is None:
            raise TimeoutError
        return found

    def _next(self, timeout: int | None) -> bytes | None:
        """Its queue's own way to take, and its acknowledgement."""
        found: Any = self._queue.dequeue_any([self._queue], timeout, self._redis)
        if found is None:
            return None
        job = found[0]
        self._redis.lrem(self._queue.intermediate_queue_key, 1, job.id)
        job.delete()
        return bytes(job.args[0])


class Postgres(Peer):
    """A table in PostgreSQL, taken from by FOR UPDATE SKIP LOCKED; commits are synced."""

    name = "PostgreSQL"
    durability = "full"
    crowd = 1000
    _synchronous = "on"

    @classmethod
    def serve(cls, folder: str) -> Server:
        user = _postgres_user() if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        data = os.path.join(folder, "data")
        words = [_program("initdb"), "-D", data, "-A", "trust", "-U", "bench", "--no-sync"]
        quiet = subprocess.DEVNULL
        made = subprocess.run(words, stdout=quiet, stderr=quiet, user=user, cwd="/", check=False)
        if made.returncode:
            raise Unavailable("initdb failed")
        options = ("-p", "PORT", "-k", folder, "-c", "listen_addresses=127.0.0.1")
        return Server(_program("postgres"), "-D", data, *options, user=user, end=signal.SIGINT)

    def __init__(self, folder: str, port: int = 0) -> None:
        super().__init__(folder)
        import psycopg

        where = f"host=127.0.0.1 port={port} user=bench dbname=postgres"
        until = time.monotonic() + 30
        while True:  # it listens some time before it is ready
            try:
                self._connection = psycopg.connect(where, autocommit=True)
                break
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        self._connection.execute(f"SET synchronous_commit TO {self._synchronous}")
        self._connection.execute("SET client_min_messages TO warning")
        table = "CREATE TABLE IF NOT EXISTS tasks (id bigserial PRIMARY KEY, task bytea)"
        self._connection.execute(table)
        self._listens = False

    def publish(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._connection.execute("INSERT INTO tasks (task) VALUES (%s)", (payload,))

    def announce(self, payload: bytes) -> None:
        self._connection.execute(
            "WITH made AS (INSERT INTO tasks (task) VALUES (%s) RETURNING id) "
            "SELECT pg_notify('tasks', '') FROM made",
            (payload,),
        )

    def fill(self, count: int) -> None:
        many = "INSERT INTO tasks (task) SELECT %s FROM generate_series(1, %s)"
        self._connection.execute(many, (payloads_of(range(1))[0], count))
        self._connection.execute("ANALYZE tasks")

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

    def wait(self, seconds: float) -> bytes:
        """LISTEN, and look when something was said."""
        if not self._listens:
            self._connection.execute("LISTEN tasks")
            self._listens = True
        while not (taken := self.take(1)):
            if not list(self._connection.notifies(timeout=seconds, stop_after=1)):
                raise TimeoutError
        return taken[0]

    def close(self) -> None:
        self._connection.close()


def _postgres_user() -> str:
    """It does not run as root."""
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"


class PostgresAsync(Postgres):
    """The same, without waiting for the disk."""

    name = "PostgreSQL, asynchronous"
    durability = "off"
    _synchronous = "off"


SERVERS: tuple[type[Peer], ...] = (
    Beanstalkd,
    BeanstalkdDefault,
    RedisList,
    RedisQueue,
    Postgres,
    PostgresAsync,
)
