"""A hostile neighbour: floods the LAN with mDNS answers for instances that do not exist.

python -m tests.support.mdns_flood HOW_MANY
"""

import random
import socket
import struct
import sys

GROUP = ("224.0.0.251", 5353)
SERVICE = (b"_p2pblog", b"_tcp", b"local")
A, PTR, TXT, SRV = 1, 12, 16, 33
ADDRESSES = 20


def name(*labels: bytes) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack(">HHIH", kind, 1, 4500, len(data)) + data


def answer(instance: bytes, rng: random.Random) -> bytes:
    """Everything there is to say about one instance, which has far too many addresses."""
    service, own, host = name(*SERVICE), name(instance, *SERVICE), name(instance, b"local")
    records = [
        record(service, PTR, own),
        record(own, SRV, struct.pack(">HHH", 0, 0, rng.randrange(65536)) + host),
        record(own, TXT, rng.randbytes(rng.randrange(60))),
        *(record(host, A, rng.randbytes(4)) for _ in range(ADDRESSES)),
    ]
    return struct.pack(">HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)


def main(how_many: int) -> None:
    rng = random.Random(1)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    out.bind(("", 5353))
    for number in range(how_many):
        instance = rng.choice([b"%x" % number, b"\n" * 9, rng.randbytes(12), b"a.b", b" "])
        packet = answer(instance, rng)
        out.sendto(packet, GROUP)
        out.sendto(packet[: rng.randrange(len(packet))], GROUP)
        out.sendto(rng.randbytes(200), GROUP)
    out.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
