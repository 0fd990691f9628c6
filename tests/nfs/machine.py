"""What the lab needs of this machine: packages, and a root file system for the guests.

All Debian packages come through apt, by name; the root is made by debootstrap from the mirror that
apt uses, once, in a cache directory.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("SPOOLQ_NFS_CACHE", "/var/cache/spoolq-nfs"))
ROOT = CACHE / "root"
MODULES = Path("/usr/lib/uml/modules")
SHARED_MEMORY = Path("/dev/shm")

NEEDED = {  # command: the package that has it
    "linux.uml": "user-mode-linux",
    "debootstrap": "debootstrap",
    "depmod": "kmod",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "unshare": "util-linux",
}
IN_THE_GUEST = (
    "iproute2",
    "iptables",
    "kmod",
    "netbase",
    "nfs-common",
    "nfs-kernel-server",
    "procps",
    "python3",
    "rpcbind",
)
GUEST_MEGABYTES = 256


class NotHere(Exception):
    """Why the lab cannot run on this machine."""


def check(guests: int) -> None:
    """Raise NotHere unless this machine can run so many guests."""
    if os.geteuid() != 0:
        raise NotHere("it needs root (for network interfaces)")
    if platform.machine() != "x86_64":
        raise NotHere(f"User-Mode Linux is not for {platform.machine()}")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise NotHere("there is no /dev/net/tun")
    free = os.statvfs(SHARED_MEMORY)
    if free.f_bavail * free.f_frsize < guests * GUEST_MEGABYTES << 20:
        raise NotHere(f"{SHARED_MEMORY} has less than {guests * GUEST_MEGABYTES} MB free")
    if any(missing_commands()) and shutil.which("apt-get") is None:
        raise NotHere(f"{', '.join(missing_commands())} missing, and no apt-get to install them")
    tried = subprocess.run(
        ["unshare", "--net", "--pid", "--mount", "--fork", "true"], capture_output=True, check=False
    )
    if tried.returncode:
        raise NotHere("namespaces cannot be made (unshare is refused)")


def missing_commands() -> list[str]:
    """Those of NEEDED that are not there."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [command for command in NEEDED if shutil.which(command, path=path) is None]


def prepare() -> None:
    """Install what is missing and make the root file system, unless both are there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if missing := missing_commands():
        _apt([NEEDED[command] for command in missing])
    if not (ROOT / "complete").exists():
        _bootstrap()
        _install_modules()
        _install_python_packages()
        (ROOT / "complete").touch()


def _apt(packages: list[str]) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run("apt-update", ["apt-get", "update", "-q"], quiet)
    install = ["apt-get", "install", "-qy", "--no-install-recommends", *packages]
    _run("apt-install", install, quiet)


def _run(name: str, command: list[str], env: dict[str, str] | None = None) -> None:
    """Run a command with its output in a log; only a failure is shown."""
    with open(CACHE / f"{name}.log", "wb") as log:
        ended = subprocess.run(command, stdout=log, stderr=log, env=env, check=False)
    if ended.returncode:
        told = (CACHE / f"{name}.log").read_text(errors="replace").splitlines()[-5:]
        raise NotHere(f"{' '.join(command[:2])} failed: " + " / ".join(told))


def _mirror() -> tuple[str, str]:
    """The mirror and the suite that apt gets its packages from."""
    fields = "$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)"
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in told.splitlines():
        origin, component, suite, uri = line.split("|")
        if (origin, component) == ("Debian", "main") and "-" not in suite:
            return uri, suite
    raise NotHere("apt has no Debian mirror to make the guests' root from")


def _bootstrap() -> None:
    uri, suite = _mirror()
    proxy = subprocess.run(
        ["sh", "-c", 'eval "$(apt-config shell found Acquire::http::Proxy)"; printf %s "$found"'],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    through = {"http_proxy": proxy} if proxy.startswith("http") else {}
    shutil.rmtree(ROOT, ignore_errors=True)
    packages = "--include=" + ",".join(IN_THE_GUEST)
    _run(
        "debootstrap",
        ["debootstrap", "--variant=minbase", packages, suite, str(ROOT), uri],
        {**os.environ, **through},
    )
    (ROOT / "lab").mkdir()
    (ROOT / "src").mkdir()


def _install_modules() -> None:
    for modules in MODULES.iterdir():
        target = ROOT / "lib" / "modules" / modules.name
        shutil.copytree(modules, target, symlinks=True, dirs_exist_ok=True)
        _run("depmod", ["depmod", "-b", str(ROOT), modules.name])


def _install_python_packages() -> None:
    """The project's own dependencies, for the guests' Python."""
    version = next((ROOT / "usr" / "lib").glob("python3.*")).name.removeprefix("python")
    target = ROOT / "usr" / "local" / "lib" / f"python{version}" / "dist-packages"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    where = ["--target", str(target), "--python-version", version, "--only-binary=:all:"]
    _run("pip", [*pip, *where, "watchdog>=6,!=7.0.0", "filelock>=3.16"])
