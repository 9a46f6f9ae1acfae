"""Any file of lines is items and refusals, each of a line, and nothing else.

What becomes an item the API takes: else one bad line would have a whole batch refused. Batches are
within their bounds and name no id twice. A gzipped file that is damaged is an `OSError` or an
`EOFError`: the command says which file.
"""

import gzip
import io
import json
from collections.abc import Iterator

from p2pblog.api import routes
from p2pblog.api.asking import fields_of_body
from p2pblog.cli import importing
from p2pblog.cli.importing import MAX_BATCH
from tests.fuzz import TAKEN

ROUTE = routes.find("POST", f"{routes.PREFIX}/import").route


def run(data: bytes) -> str:
    name = "file.gz" if data[:2] == b"\x1f\x8b" else "file"
    refused = taken = 0
    try:
        for batch in importing._batches(io.BytesIO(data), name):
            assert len(batch.items) <= MAX_BATCH
            assert {item["id"] for item in batch.items} == set(batch.numbers)
            if batch.items:
                fields_of_body(ROUTE, json.dumps({"items": batch.items}).encode())
            assert batch.items or batch.refused
            taken += len(batch.items)
            refused += len(batch.refused)
    except (OSError, EOFError):
        assert name.endswith(".gz")
        return "damaged"
    lines = data.count(b"\n") + 1
    assert name.endswith(".gz") or taken + refused <= lines
    if taken:
        return TAKEN
    return "refused" if refused else "empty"


def seeds() -> Iterator[bytes]:
    lines = [
        {"id": "1", "time": "2020-01-02T03:04:05Z", "channel": "a", "author": "Ben", "text": "x"},
        {"id": "2", "time": "2020-01-02T03:04:05.123456+01:00", "channel": "a", "author": "Ben"},
        {"id": "1", "time": "9999-12-31T23:59:59-23:59", "channel": "", "author": "", "text": ""},
        {"id": "3", "time": "2020-01-02", "channel": "a", "author": "B", "text": "\ud800"},
    ]
    whole = "".join(json.dumps(line | {"reply_to": "1"}) + "\n" for line in lines).encode()
    yield whole
    yield from whole.splitlines(keepends=True)
    yield b'\n[]\n{}\nnull\n{"id":1}\n'
    packed = gzip.compress(whole[:150], mtime=0)
    yield packed
    yield packed[:-9]
