"""Load on all clients while something breaks; afterwards every promise must have been kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nfs.lab import each
from nfs.trial import LEASE_SECONDS, Failed, Trial

if TYPE_CHECKING:
    from nfs.lab import Lab


def everybody_at_once(lab: Lab, scale: int) -> str:
    """Many publishers and consumers on all clients."""
    trial = Trial(lab, "load")
    trial.init(lab.clients[0])
    trial.start_everywhere(40 * scale, overstay=0.02)
    trial.drain()
    return trial.judge(doctor=lab.clients[-1])


def client_killed(lab: Lab, scale: int) -> str:
    """A client's plug is pulled while it holds leases; the others get its jobs."""
    trial = Trial(lab, "killed")
    first, *others = lab.clients
    trial.init(first)
    for client in others:
        trial.start(client, "publish", count=20 * scale)
    holder = trial.start(first, "hold", count=5, seconds=3600)
    trial.start(first, "consume")
    trial.until_said("holding", 1)
    first.kill()
    held = [line.split()[2] for line in holder.lines if " took " in line]
    for client in others:
        trial.start(client, "consume", overstay=0)
    trial.drain()
    figures = trial.judge(doctor=others[0])
    done = {name.partition(".")[0] for name in trial.listed("done")}
    lab.boot([first])
    lab.mount(first)
    if len(held) != 5 or not done.issuperset(held):
        raise Failed(f"of {len(held)} jobs of the killed client not all were done")
    return f"{figures}; {len(held)} jobs of the killed client done by others"


def server_paused_and_restarted(lab: Lab, scale: int) -> str:
    """The server stands still for 20 s (full form: 60 s), then loses power, in mid-load."""
    trial = Trial(lab, "server")
    trial.init(lab.clients[0])
    trial.start_everywhere(40 * scale, consumers=1, pause=0.05, overstay=0)
    trial.until_said("ended", 10)
    lab.pause_server(20 if scale == 1 else 60)
    trial.until_said("ended", 25)
    lab.restart_server()
    trial.drain()
    return trial.judge(doctor=lab.clients[0])


def one_client_cut_off(lab: Lab, scale: int) -> str:
    """One client's network is cut past its leases, then healed: its late done changes nothing."""
    trial = Trial(lab, "cut")
    first, *others = lab.clients
    trial.init(first)
    for client in others:
        trial.start(client, "publish", count=20 * scale)
    holder = trial.start(first, "hold", count=5, seconds=LEASE_SECONDS / 2)
    trial.until_said("holding", 1)
    lab.drop(first, "both")
    for client in others:
        trial.start(client, "consume", overstay=0)
    held = [line.split()[2] for line in holder.lines if " took " in line]
    trial.drain()
    done = {name.partition(".")[0] for name in trial.listed("done")}
    if not done.issuperset(held):
        raise Failed("not all jobs of the client that was cut off were done by others")
    lab.heal(first)
    holder.wait(120)
    return f"{trial.judge(doctor=first)}; {trial.said('lost')} late endings refused"


def replies_lost(lab: Lab, scale: int) -> str:
    """The server's replies vanish and connections are reset, so that requests are sent again."""
    trial = Trial(lab, "replies")
    trial.init(lab.clients[0])
    before = lab.resent()
    trial.start_everywhere(40 * scale, consumers=1, pause=0.02, overstay=0)
    for round_number in range(2 + scale):
        trial.until_said("ended", 10 * (round_number + 1))
        lab.drop(lab.server, "out")
        time.sleep(1.0)
        each(lab.clients, lab.reset_connections)
        lab.heal(lab.server)
    trial.drain()
    return f"{trial.judge(doctor=lab.clients[0])}; {_resent_since(lab, before)}"


def _resent_since(lab: Lab, before: int) -> str:
    resent = lab.resent() - before
    if resent <= 0:
        raise Failed("no request was sent again: nothing was tried")
    return f"{resent} requests sent again"


def replies_lost_for_good(lab: Lab, scale: int) -> str:
    """The server's replies vanish, then it loses power: it cannot know what it has answered."""
    trial = Trial(lab, "forgotten")
    trial.init(lab.clients[0])
    before = lab.resent()
    trial.start_everywhere(60 * scale, consumers=1, pause=0.02, overstay=0)
    for round_number in range(scale):
        trial.until_said("ended", 10 + 20 * round_number)
        lab.drop(lab.server, "out")
        time.sleep(1.0)
        lab.restart_server()
    trial.drain()
    return f"{trial.judge(doctor=lab.clients[0])}; {_resent_since(lab, before)}"


def clocks_wrong(lab: Lab, scale: int) -> str:
    """One client is an hour ahead, one an hour behind, and both jump in mid-run."""
    trial = Trial(lab, "clocks")
    ahead, behind = lab.clients[0], lab.clients[1]
    lab.step_clock(ahead, 3600)
    lab.step_clock(behind, -3600)
    trial.init(ahead)
    trial.start_everywhere(40 * scale, overstay=0.03)
    trial.until_said("ended", 20)
    lab.step_clock(ahead, -7200)
    lab.step_clock(behind, 7200)
    trial.drain()
    lab.step_clock(ahead, 3600)
    lab.step_clock(behind, -3600)
    return trial.judge(doctor=lab.clients[0])


def export_full(lab: Lab, scale: int) -> str:
    """The export is full most of the time; pruning makes room; nothing acknowledged is lost."""
    trial = Trial(lab, "full", export="small")
    trial.init(lab.clients[0])
    for client in lab.clients:
        trial.start(client, "publish", count=30 * scale, size=100_000, cancel=0)
    trial.until_said("full", 3)
    for client in lab.clients:
        trial.start(client, "consume", overstay=0, prune=1)
    trial.drain()
    return f"{trial.judge(doctor=lab.clients[0])}; {trial.said('full')} times full"


def squashed_users(lab: Lab, scale: int) -> str:
    """Users of one group share a spool on an export that squashes root; root gets a clear no."""
    trial = Trial(lab, "shared", "--group", export="squash")
    first, second, *_ = lab.clients
    trial.init(first, user="--reuid 1001 --regid 2000 --clear-groups")
    for client, uid in ((first, 1001), (second, 1002)):
        trial.start(client, "publish", count=20 * scale, uid=uid, gid=2000)
        trial.start(client, "consume", uid=uid, gid=2000, overstay=0)
    refused = lab.clients[-1].run(
        ["python3", "-m", "spoolq", "-s", trial.path, "put", "/etc/hostname"], check=False
    )
    trial.drain()
    clear = ("owned by another user", "Permission denied")
    if len(refused) != 1 or not any(words in refused[0] for words in clear):
        raise Failed(f"squashed root was told: {refused}")
    return f"{trial.judge()}; root was told: {refused[0]}"
