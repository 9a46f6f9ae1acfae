"""A process that runs a Discovery and tells on its standard output, a JSON line an event.

    python -m tests.support.finder PORT [NAME=VALUE ...]

A line `doubt INSTANCE` or `refresh` on its standard input is done. It ends with its input.
"""

import json
import sys
import time

import trio

from p2pblog.net.discovery import Discovery
from p2pblog.net.sightings import Found, Instance


def tell(**what: object) -> None:
    print(json.dumps({"at": time.monotonic(), **what}), flush=True)


async def report(discovery: Discovery) -> None:
    async for event in discovery.events():
        if isinstance(event, Found):
            addresses = [str(address) for address in event.addresses]
            tell(found=event.instance, addresses=addresses)
        else:
            tell(lost=event.instance)


async def main(port: int, properties: dict[bytes, bytes]) -> None:
    discovery = Discovery(port, lambda: properties)
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: discovery.run(task_status=task_status))
        tell(up=discovery.instance)
        nursery.start_soon(report, discovery)
        async for line in trio.lowlevel.FdStream(sys.stdin.fileno()):
            for word in line.decode().splitlines():
                verb, _, instance = word.partition(" ")
                if verb == "doubt":
                    discovery.doubt(Instance(instance))
                else:
                    discovery.refresh()
        nursery.cancel_scope.cancel()
    tell(ended=discovery.instance, cpu=time.process_time())


if __name__ == "__main__":
    pairs = (argument.encode().partition(b"=") for argument in sys.argv[2:])
    trio.run(main, int(sys.argv[1]), {name: value for name, _, value in pairs})
