"""Whatever somebody types or a client sends: a post that everybody can read, or a `UsageError`.

What is cleaned stays as it is when it is cleaned again. The same holds for a profile's words and
for posts that are imported, whatever their author is called.
"""

from collections.abc import Iterator

from p2pblog.errors import UsageError
from p2pblog.node import importing, publishing
from p2pblog.node.service import ImportItem
from p2pblog.protocol import post
from p2pblog.protocol.post import Post
from tests.fuzz import TAKEN
from tests.fuzz.material import texts


def run(data: bytes) -> str:
    channel, _, rest = texts(data).partition("/")
    try:
        text, channel = publishing.clean_text(rest), publishing.clean_channel(channel)
    except UsageError as error:
        return error.code
    made = Post(text, channel)
    assert post.parse_post(made.pack()) == made
    assert publishing.clean_text(text) == text
    assert publishing.clean_channel(channel) == channel
    return f"{TAKEN}, import: {_imported(text, channel, rest)}"


def _imported(text: str, channel: str, name: str) -> str:
    item = ImportItem(name[:100], 1, channel, name, text, "")
    batch = importing.Batch({})
    try:
        batch.add(item)
    except UsageError as error:
        return error.code
    (content,) = batch.contents
    assert isinstance(content, bytes)
    assert post.parse_post(content).text == text
    return TAKEN


def seeds() -> Iterator[bytes]:
    yield from (
        b"general/Good morning",
        b"#General/x",
        b"a b/x",
        b"/x",
        b"a/",
        b"a/\x00",
        b"a/\xff",
    )
    yield "büro/Straße\r\nzwei".encode()
    yield "I\u0307/e\u0301 \u202e".encode()
    yield ("\u00c4" * 32 + "/x").encode()
