"""A real Slurm of the test's own on this machine: munged, slurmctld and two slurmd, ended with it."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from support.waits import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
NODES = ("n1", "n2")
_SYSTEM_PATH = "/usr/sbin:/usr/local/sbin:/sbin"
# linuxproc signals a job's whole tree of processes, commands too, as the control groups of real
# clusters do; it needs nothing that a container may lack.
_CONFIGURATION = """\
ClusterName=t
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={place}/munge.socket
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool-%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd-%n.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
SlurmdParameters=config_overrides
KillWait=30
{nodes}
PartitionName=p Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """The programs of Slurm that are not installed."""
    path = f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


class Slurm:
    """One cluster. `start` it, then use `run`; `stop` ends all its daemons."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.env = dict(os.environ)
        self.env["PATH"] = f"{self.env.get('PATH', '')}:{_SYSTEM_PATH}"
        self.env["SLURM_CONF"] = str(place / "slurm.conf")
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Return when both nodes are idle."""
        self.place.mkdir()
        os.chmod(self.place, 0o755)  # slurmd looks whether it may be entered
        (self.place / "state").mkdir()
        (self.place / "munge.key").write_bytes(os.urandom(64))
        os.chmod(self.place / "munge.key", 0o600)
        (self.place / "slurm.conf").write_text(self._configuration())
        self._munged()
        self._daemon("slurmctld", "-D")
        for node in NODES:
            self._daemon("slurmd", "-D", "-N", node)
        eventually(self._nodes_are_idle, 60, "two idle nodes")

    def _configuration(self) -> str:
        control_port, *node_ports = _free_ports(1 + len(NODES))
        host = socket.gethostname().partition(".")[0]
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4"
            for node, port in zip(NODES, node_ports, strict=True)
        )
        return _CONFIGURATION.format(
            host=host,
            user=getpass.getuser(),
            place=self.place,
            control_port=control_port,
            nodes=nodes,
        )

    def _munged(self) -> None:
        place = self.place
        self._daemon(
            "munged",
            "--foreground",
            "--force",
            f"--socket={place}/munge.socket",
            f"--key-file={place}/munge.key",
            f"--pid-file={place}/munged.pid",
            f"--log-file={place}/munged.log",
            f"--seed-file={place}/munged.seed",
        )
        eventually((place / "munge.socket").exists, what="munged listens")

    def _daemon(self, *words: str) -> None:
        with open(self.place / f"{words[0]}.said", "ab") as said:
            self._daemons.append(
                subprocess.Popen(
                    words, env=self.env, stdin=subprocess.DEVNULL, stdout=said, stderr=said
                )
            )

    def _nodes_are_idle(self) -> bool:
        for daemon in self._daemons:
            assert daemon.poll() is None, f"{daemon.args} ended:\n{self.said()}"
        listed = subprocess.run(
            ["sinfo", "-h", "-N", "-o", "%T"], env=self.env, capture_output=True, check=False
        )
        return listed.stdout.split() == [b"idle"] * len(NODES)

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> str:
        """Run one of Slurm's programs; what it printed."""
        ran = subprocess.run(
            words,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode == 0, (words, ran.stdout, ran.stderr, self.said())
        return ran.stdout

    def said(self) -> str:
        """The ends of the daemons' logs, for a failing test."""
        logs = [*self.place.glob("*.log"), *self.place.glob("*.said")]
        return "\n".join(f"--- {log.name}\n{log.read_text()[-2000:]}" for log in logs)

    def stop(self) -> None:
        """End all jobs and daemons, the newest first."""
        if len(self._daemons) > 1:
            self._end_jobs()
        for daemon in reversed(self._daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _end_jobs(self) -> None:
        """Kill what runs, or the processes of jobs would outlive the cluster."""
        for words in (
            ["scancel", "-u", getpass.getuser()],
            ["scancel", "-f", "-s", "KILL", "-u", getpass.getuser()],
        ):
            subprocess.run(words, env=self.env, capture_output=True, check=False, timeout=60)
        with suppress(AssertionError):
            eventually(lambda: not self.run("squeue", "-h"), 20)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
