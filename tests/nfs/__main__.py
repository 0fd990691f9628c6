"""`bin/test-nfs`: sets the lab up and runs scenarios, for each NFS version and set of options.

Exit status: 0 all held, 1 something did not, 77 the machine does not allow it (nothing was tested).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nfs import machine
from nfs.guests import GuestError
from nfs.lab import Lab
from nfs.scenarios import commands, faults, mounts, waiting
from nfs.trial import Failed

SKIPPED = 77
CLIENTS = 3
INSIDE, BEGAN = "SPOOLQ_NFS_INSIDE", "SPOOLQ_NFS_BEGAN"
SCENARIOS = {
    "budgets": mounts.request_budgets,
    "look": waiting.looks_are_true,
    "idle": waiting.idle_consumers,
    "wake": waiting.taken_within_the_poll_cap,
    "logs": commands.output_is_seen_elsewhere,
    "probe": mounts.probes_meet,
    "soft": mounts.soft_mounts,
    "load": faults.everybody_at_once,
    "killed": faults.client_killed,
    "cut": faults.one_client_cut_off,
    "clocks": faults.clocks_wrong,
    "server": faults.server_paused_and_restarted,
    "replies": faults.replies_lost,
    "forgotten": faults.replies_lost_for_good,
    "full": faults.export_full,
    "squash": faults.squashed_users,
}
EVERY_MOUNT = (("4.2", ""), ("3", ""), ("4.2", "noac"), ("3", "noac"))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bin/test-nfs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one version, small loads: minutes")
    parser.add_argument("--version", help="only this NFS version: 4.2, 4.1 or 3")
    parser.add_argument("--options", help="only these mount options, as in noac,acregmin=1")
    parser.add_argument("--scale", type=int, help="multiply loads and faults (1; full form: 4)")
    parser.add_argument(
        "--within",
        metavar="SECONDS",
        type=float,
        default=float("inf"),
        help="begin no scenario after so long, and say which were left out",
    )
    parser.add_argument("--setup", action="store_true", help="set the machine up, and end")
    parser.add_argument(
        "scenarios", metavar="SCENARIO", nargs="*", help=f"of {', '.join(SCENARIOS)} (all)"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.scenarios) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return chosen


def wanted_mounts(chosen: argparse.Namespace) -> list[tuple[str, str]]:
    """NFS versions and options to run under."""
    if chosen.quick or chosen.version or chosen.options is not None:
        return [(chosen.version or "4.2", chosen.options or "")]
    return list(EVERY_MOUNT)


def go_inside() -> None:
    """Run this again in namespaces of its own: with it everything ends that it has started."""
    apart = ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
    os.environ[INSIDE] = "1"
    os.execvp(apart[0], [*apart, sys.executable, str(Path(__file__).parent), *sys.argv[1:]])


def run_all(chosen: argparse.Namespace) -> int:
    """Each mount and scenario in turn; how many failed."""
    scale = chosen.scale or (1 if chosen.quick else 4)
    failed = 0
    for version, options in wanted_mounts(chosen):
        started = time.monotonic()
        with Lab(CLIENTS, version, options) as lab:
            mount = f"NFS {version}{' ' + options if options else ''}"
            print(f"{mount}: up in {time.monotonic() - started:.0f} s", flush=True)
            for name in chosen.scenarios or SCENARIOS:
                if time.time() > chosen.until:
                    print(f"  {name}: SKIPPED: the time given is over", flush=True)
                else:
                    failed += not run_one(lab, name, scale)
    return failed


def run_one(lab: Lab, name: str, scale: int) -> bool:
    """One scenario, with its outcome in a line."""
    started = time.monotonic()
    try:
        told, good = SCENARIOS[name](lab, scale), True
    except (Failed, GuestError, OSError) as error:
        told, good = f"FAILED: {error}", False
    print(f"  {name} ({time.monotonic() - started:.0f} s): {told}", flush=True)
    return good


def main() -> int:
    """Prepare outside (it needs the network), run inside."""
    chosen = arguments()
    began = float(os.environ.setdefault(BEGAN, str(time.time())))
    chosen.until = began + chosen.within
    try:
        machine.check(CLIENTS + 1)
        if INSIDE not in os.environ:
            started = time.monotonic()
            machine.prepare()
            print(f"machine ready in {time.monotonic() - started:.0f} s", flush=True)
            if chosen.setup:
                return 0
            go_inside()
        failed = run_all(chosen)
    except machine.NotHere as error:
        print(f"SKIPPED: no NFS lab on this machine: {error}", flush=True)
        return SKIPPED
    print(f"{failed} failed" if failed else "all held", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
