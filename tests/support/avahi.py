"""A real mDNS responder and browser: avahi-daemon on a host of the LAN, with a bus of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.lan import Lan

_PROGRAMS: Final = ("avahi-daemon", "avahi-browse", "dbus-daemon", "unshare")
_BUS: Final = """<busconfig><type>system</type><listen>unix:path={path}</listen>
<auth>EXTERNAL</auth><policy context="default"><allow send_destination="*"/><allow own="*"/>
<allow send_type="method_call"/><allow eavesdrop="true"/><allow user="*"/></policy></busconfig>"""
_CONFIG: Final = """[server]
host-name=avahi
use-ipv4=yes
use-ipv6=yes
[publish]
publish-workstation=no
"""
# its lock file has one place for all: give it a /run of its own
_START: Final = """mount -t tmpfs none /run &&
exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f {directory}/avahi.conf"""
_UP: Final = "Server startup complete"


def missing() -> str:
    """Which program is not there; empty when all are."""
    absent = [name for name in _PROGRAMS if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


@contextmanager
def daemon(lan: Lan, host: int) -> Iterator[Callable[[str], list[str]]]:
    """Run one on a host; gives what `avahi-browse` resolves of a service, a line each."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "bus")
        Path(directory, "bus.conf").write_text(_BUS.format(path=path))
        Path(directory, "avahi.conf").write_text(_CONFIG)
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={path}"}
        bus = lan.popen(
            host,
            ["dbus-daemon", f"--config-file={directory}/bus.conf", "--nofork", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert bus.stdout is not None
        bus.stdout.readline()
        avahi = lan.popen(
            host,
            ["unshare", "-m", "sh", "-c", _START.format(directory=directory)],
            env=environment,
            stderr=subprocess.PIPE,
        )
        assert avahi.stderr is not None
        while (line := avahi.stderr.readline()) and _UP not in line:
            pass
        assert line, "avahi-daemon did not start"

        def browse(service: str) -> list[str]:
            done = lan.run(host, ["avahi-browse", "-rtp", service], env=environment)
            return done.stdout.splitlines()

        yield browse
        for process in (avahi, bus):
            process.terminate()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
