"""`demo`: a pretend team of three devices on this machine, from the founding to a catch-up."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import Final

import click

from p2pblog.cli import output, posts
from p2pblog.cli.app import App, pass_app
from p2pblog.cli.stage import Device, post_and_watch, stage, wait_for
from p2pblog.errors import UserError

CAST: Final = [("Dana", "front-desk"), ("Sam", "van"), ("Ina", "depot")]
TEAM: Final = "Acme Roofing"
HISTORY: Final = (
    (0, "Good morning. Unit 4 on the Miller roof leaks again, who is near?"),
    (1, "Ten minutes away. Is the long ladder in the van or at the depot?"),
    (2, "At the depot; the short one is in your van. I bring the long one."),
)
LIVE: Final = "The customer opens the gate at two."
MEANWHILE: Final = "Ina, the Miller invoice goes out today, please check the hours."
ANSWER: Final = "Seal replaced, roof is dry. Photos follow."
HINT: Final = "Write posts as Dana, one a line; an empty line goes on."


@dataclass(slots=True)
class Show:
    """The demo on its way: what is told, and who plays."""

    app: App
    ask: bool
    devices: list[Device]

    def tell(self, step: str, line: str, **facts: object) -> None:
        """Say what happens: a line for people, or an object."""
        if self.app.json:
            self.app.emit({"step": step, **facts})
        else:
            self.app.say(line)

    def lines(self, scripted: str) -> list[str]:
        """What the user writes; the given line if nobody is asked."""
        if not self.ask:
            return [scripted]
        self.app.say(output.dim(HINT))
        written: list[str] = []
        while line := click.prompt("Dana", default="", show_default=False, prompt_suffix="> "):
            written.append(str(line))
        return written


@click.command(
    epilog="""\b
Examples
  p2pblog demo
  p2pblog demo --auto        (asks nothing)"""
)
@click.option("--auto", is_flag=True, help="Play all parts; the default without a terminal.")
@pass_app
def demo(app: App, auto: bool) -> None:
    """See it work: three devices of a pretend team on this machine.

    You post and watch; one device is unplugged, comes back and catches up. It uses loopback only
    and leaves nothing behind.
    """
    ask = not auto and not app.json and sys.stdin.isatty() and sys.stdout.isatty()
    if not app.json:
        app.say("Three daemons start on this machine, each with a home of its own ...")
    with stage(CAST) as devices:
        show = Show(app, ask, devices)
        _gather(show)
        _history(show)
        _live(show)
        _unplug(show)
        _compare(show)
    if not app.json:
        app.say("All three are stopped and deleted. Now for real: p2pblog init")


def _gather(show: Show) -> None:
    founder, *others = show.devices
    founder.api.found(TEAM, founder.member, founder.name)
    show.tell("founded", f"{founder.member} founds the team {output.strong(TEAM)}.", team=TEAM)
    for device in others:
        code = founder.api.invite("member", None, False)["code"]
        device.api.join(code, device.member, device.name, [founder.address()])
        took = wait_for(f"{device.member} to join", partial(_joined, device))
        text = f"{device.member} joins with the code {code}, {took:.1f} s."
        show.tell("joined", text, member=device.member, seconds=round(took, 3))
    for device in others:
        for other in show.devices:
            if other is not device:
                device.api.add_peer(other.address())


def _joined(device: Device) -> bool:
    state = device.api.join_state()
    if state["state"] == "refused":
        raise UserError(f"{device.member} was refused: {state['why']}", state["hint"])
    return state["state"] == "joined"


def _history(show: Show) -> None:
    for who, text in HISTORY:
        show.devices[who].api.post(text)
        _wait_equal(show.devices)
    if show.app.json:
        show.tell("history", "", posts=len(HISTORY))
        return
    now = show.app.now()
    for post in reversed(show.devices[0].posts()):
        show.app.say("\n" + posts.render(post, now))
    show.app.say("")


def _live(show: Show) -> None:
    writer, reader, _ = show.devices
    for text in show.lines(LIVE):
        took = post_and_watch(writer, text, reader)
        line = f"{writer.member}: {text}\n  {reader.member} has it after {took * 1000:.0f} ms."
        show.tell("live", line, text=text, milliseconds=round(took * 1000, 1))
    _wait_equal(show.devices)


def _unplug(show: Show) -> None:
    absent, here = show.devices[2], show.devices[:2]
    known = len(absent.posts())
    absent.unplug()
    show.tell("unplugged", f"\n{absent.member}'s machine is unplugged.", member=absent.member)
    for text in show.lines(MEANWHILE):
        here[0].api.post(text)
        show.tell("offline", f"{here[0].member}: {text}", text=text)
    here[1].api.post(ANSWER)
    show.tell("offline", f"{here[1].member}: {ANSWER}", text=ANSWER)
    _wait_equal(here)
    missed = len(here[0].posts()) - known
    absent.plug_in()
    took = _wait_equal(show.devices)
    line = f"{absent.member} is back: caught up with {output.count(missed, 'post')}, {took:.1f} s."
    show.tell("back", line, member=absent.member, missed=missed, seconds=round(took, 3))


def _wait_equal(devices: list[Device]) -> float:
    return wait_for("all to have the same posts", lambda: len({_ids(d) for d in devices}) == 1)


def _ids(device: Device) -> tuple[str, ...]:
    return tuple(post["id"] for post in device.posts() if post["state"] == "here")


def _compare(show: Show) -> None:
    number = len(_ids(show.devices[0]))
    line = f"All three have the same {output.count(number, 'post')} in the same order."
    show.tell("equal", output.good(line), posts=number)
