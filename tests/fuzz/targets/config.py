"""Any file is settings, or a `UsageError` that names the file.

Settings that are read are written so that they read the same, and each as the user types it.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from p2pblog import config
from p2pblog.config import Config
from p2pblog.errors import UsageError
from tests.fuzz import TAKEN

_folder = tempfile.TemporaryDirectory(prefix="p2pblog-fuzz-")
PATH = Path(_folder.name) / "config.toml"


def run(data: bytes) -> str:
    PATH.write_bytes(data)
    try:
        found = config.load_config(PATH)
    except UsageError as error:
        return error.code if str(PATH) in error.message else _unnamed(error)
    config.save_config(PATH, found)
    assert config.load_config(PATH) == found
    again = Config()
    for key, text in found.as_text().items():
        again = again.with_value(key, text)
    assert again == found
    return TAKEN if found != Config() else "defaults"


def _unnamed(error: UsageError) -> str:
    raise AssertionError(f"which file? {error.message}")


def seeds() -> Iterator[bytes]:
    yield b'port = 7118\nlisten = "10.0.0.1"\nmdns = false\nchannel = "pumps"\ntcp_api = "auto"\n'
    yield b'# a comment\nchannel = "b\\u00fcro"\n'
    yield b"tcp_api = 8080\nmdns = true\n"
    yield b'listen = "::1"\n[table]\nport = 1\n'
    yield b"port = 1_000\nport = 2\n"
    yield b"port = [1, 2, {a = 1979-05-27T07:32:00Z}]\n"
    yield b'mdns = """yes"""\nlisten = \'all\'\nport = 0x10\n'
