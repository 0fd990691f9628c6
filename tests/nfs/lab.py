"""The lab as scenarios use it: a server, its clients, and what can happen to them."""

from __future__ import annotations

import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Self

from nfs import guests, tsc
from nfs.guests import Guest, GuestError
from nfs.machine import SHARED_MEMORY, NotHere

if TYPE_CHECKING:
    from collections.abc import Iterable

GRACE_SECONDS = 10
"""The server's NFS 4 lease and grace time; usual servers have 90."""
EXPORTS = ("spool", "small", "squash")


class Lab:
    """A context manager: guests are up inside, and gone afterwards."""

    def __init__(self, clients: int, version: str, options: str) -> None:
        self.version = version
        self.options = options
        self._state = Path(tempfile.mkdtemp(prefix="spoolq-nfs-", dir=SHARED_MEMORY))
        guests.put_guest_files()
        guests.make_network()
        every = [Guest(number, self._state, GRACE_SECONDS) for number in range(clients + 1)]
        self.server, self.clients = every[0], every[1:]
        if not tsc.processors_agree():
            raise NotHere("the processors' time stamp counters do not agree")
        self.ticks_per_second = tsc.ticks_per_second()

    def __enter__(self) -> Self:
        try:
            self.boot([self.server, *self.clients])
            self.remount(self.version, self.options)
        except GuestError as error:
            self.__exit__()
            raise NotHere(f"the guests do not come up: {error}") from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for guest in (*self.clients, self.server):
            guest.kill()
        shutil.rmtree(self._state, ignore_errors=True)

    @property
    def running_clients(self) -> list[Guest]:
        """Those whose plug was not pulled."""
        return [client for client in self.clients if client.is_up]

    def boot(self, starting: Iterable[Guest]) -> None:
        """Boot guests side by side."""
        starting = list(starting)
        for guest in starting:
            guest.start()
        each(starting, Guest.await_boot)

    def remount(self, version: str, options: str) -> None:
        """Mount the exports on all clients, anew if they are mounted."""
        self.version, self.options = version, options
        each(self.clients, self.mount)

    def mount(self, client: Guest) -> None:
        """Mount the exports on one client."""
        chosen = ",".join(word for word in (f"vers={self.version}", "hard", self.options) if word)
        top = "/srv" if self.version.startswith("3") else ""
        for export in EXPORTS:
            point, source = f"/mnt/{export}", f"{self.server.ip}:{top}/{export}"
            client.shell(
                f"if mountpoint -q {point}; then umount {point} || umount -fl {point}; fi; "
                f"mount -t nfs -o {chosen} {source} {point}",
                seconds=120,
            )

    def restart_server(self) -> None:
        """Pull the server's plug and boot it."""
        self.server.kill()
        self.boot([self.server])

    def pause_server(self, seconds: float) -> None:
        """Freeze the server for a while."""
        self.server.pause()
        time.sleep(seconds)
        self.server.resume()

    def drop(self, guest: Guest, direction: str) -> None:
        """Let a guest's NFS packets vanish: "in", "out" or "both"."""
        guest.shell("; ".join(self._rules(guest, "-A", direction)))

    def heal(self, guest: Guest) -> None:
        """Let packets through again."""
        guest.shell("iptables-legacy -F")

    def reset_connections(self, client: Guest) -> None:
        """End a client's connections to the server, so that it sends again what had no answer."""
        # Whatever the client sends next, or again, is answered by a reset that seems the server's.
        client.shell(
            "iptables-legacy -A OUTPUT -p tcp --dport 2049 -j REJECT --reject-with tcp-reset; "
            "for i in $(seq 50); do grep -q ':0801 01 ' /proc/net/tcp || break; sleep 0.1; done; "
            "iptables-legacy -F"
        )

    @staticmethod
    def _rules(guest: Guest, action: str, direction: str) -> list[str]:
        at_server = guest.number == 0
        rules = []
        if direction in {"in", "both"}:
            rules.append(f"INPUT -p tcp --{'d' if at_server else 's'}port 2049")
        if direction in {"out", "both"}:
            rules.append(f"OUTPUT -p tcp --{'s' if at_server else 'd'}port 2049")
        return [f"iptables-legacy {action} {rule} -j DROP" for rule in rules]

    def resent(self) -> int:
        """How many requests the clients have sent more than once so far, by their own count."""
        count = "awk '$1 ~ /^[A-Z_]+:$/ && NF > 8 {n += $3 - $2} END {print n + 0}'"
        told = each(self.clients, lambda client: client.shell(f"{count} /proc/self/mountstats"))
        return sum(int(lines[-1]) for lines in told)  # type: ignore[index]

    def step_clock(self, guest: Guest, seconds: float) -> None:
        """Set a guest's wall clock ahead or back."""
        guest.run(
            ["python3", "-c", f"import time; time.clock_settime(0, time.time() + {seconds!r})"]
        )


def each(chosen: Iterable[Guest], work: object) -> list[object]:
    """Do something with several guests side by side; the results in order, the first error raised."""
    listed = list(chosen)
    with ThreadPoolExecutor(len(listed)) as pool:
        return list(pool.map(work, listed))  # type: ignore[arg-type]
