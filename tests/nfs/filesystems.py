"""Rows of the matrix in docs/filesystems.md.

`unshare --mount python tests/nfs/filesystems.py [KIND...]` makes each file system that this machine
has the tools for on a loop-mounted image (SSHFS: of a server on this machine), probes a spool on it
and prints a row. Needs root.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ON_IMAGES = ("ext4", "xfs", "btrfs")
PORT = "22022"
CHECKS = ("rename", "exclusive create", "link", "rename of directories", "time steps", "listing")


def shell(script: str) -> None:
    """Run a script that has to work."""
    subprocess.run(["sh", "-ec", script], check=True, capture_output=True, text=True)


def mount_image(kind: str, home: Path) -> Path:
    """A new file system on an image."""
    shell(f"truncate -s 400M {home}/image; mkfs.{kind} -q {home}/image; mkdir {home}/top")
    shell(f"mount -o loop {home}/image {home}/top")
    return home / "top"


def mount_tmpfs(home: Path) -> Path:
    """A new tmpfs."""
    shell(f"mkdir {home}/top; mount -t tmpfs -o size=100M tmpfs {home}/top")
    return home / "top"


def mount_overlay(home: Path) -> Path:
    """An overlay whose upper layer is on the machine's own disk, as containers have."""
    shell(
        f"cd {home}; mkdir lower upper work top; "
        "mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay top"
    )
    return home / "top"


def mount_sshfs(home: Path) -> Path:
    """An SSHFS mount of a directory of this machine, by a server and a key of its own."""
    shell(
        f"cd {home}; mkdir data top; ssh-keygen -q -t ed25519 -N '' -f key; "
        "ssh-keygen -q -t ed25519 -N '' -f host; cp key.pub allowed; mkdir -p /run/sshd; "
        f"/usr/sbin/sshd -f /dev/null -p {PORT} -h {home}/host -o ListenAddress=127.0.0.1 "
        f"-o AuthorizedKeysFile={home}/allowed -o StrictModes=no -o PidFile={home}/pid "
        "-o 'Subsystem=sftp internal-sftp'; "
        f"sshfs -p {PORT} -o IdentityFile={home}/key,StrictHostKeyChecking=no,"
        f"UserKnownHostsFile={home}/known root@127.0.0.1:{home}/data {home}/top"
    )
    return home / "top"


def probe(top: Path) -> dict[str, dict[str, object]]:
    """Make a spool there and probe it."""
    spoolq = [str(ROOT / "bin" / "spoolq"), "-s", str(top / "spool")]
    made = subprocess.run([*spoolq, "init"], capture_output=True, text=True, check=False)
    if made.returncode:
        return {"init": {"verdict": "unsafe", "what": made.stderr.strip()}}
    probing = [*spoolq, "doctor", "--probe", "--json"]
    told = subprocess.run(probing, capture_output=True, text=True, check=False)
    checks = [json.loads(line) for line in told.stdout.splitlines()]
    return {each["check"] or each["what"]: each for each in checks}


def row(kind: str, checks: dict[str, dict[str, object]]) -> str:
    """One line of the matrix, and below it what was not simply well."""
    marks = [str(checks.get(check, {}).get("verdict", "-")) for check in CHECKS]
    told = [f"{check}: {each['what']}" for check, each in checks.items() if each["verdict"] != "ok"]
    syncs = checks.get("durability", {}).get("figures") or {}
    assert isinstance(syncs, dict)
    steps = checks.get("time steps", {}).get("figures") or {}
    assert isinstance(steps, dict)
    when = time.strftime("%Y-%m-%d")
    figures = f"step {steps.get('step_seconds')}, sync {syncs.get('file_sync_seconds')}"
    return (
        f"| {kind} | {os.uname().release} | {when} | {' | '.join(marks)} | {figures}\n"
        + "".join(f"    {each}\n" for each in told)
    )


def main(kinds: list[str]) -> None:
    """Each kind in turn; what cannot be had here is said to be untested."""
    makers = {kind: (lambda home, kind=kind: mount_image(kind, home)) for kind in ON_IMAGES}
    makers |= {"tmpfs": mount_tmpfs, "overlay": mount_overlay, "sshfs": mount_sshfs}
    for kind in kinds or makers:
        home = Path(tempfile.mkdtemp(prefix=f"spoolq-{kind}-"))
        try:
            top = makers[kind](home)
            print(row(kind, probe(top)), end="")
        except subprocess.CalledProcessError as error:
            print(f"| {kind} | untested: {error.stderr.strip().splitlines()[-1:]}")
        finally:
            subprocess.run(["umount", str(home / "top")], check=False)
            if (home / "pid").exists():
                os.kill(int((home / "pid").read_text()), 15)
            shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
