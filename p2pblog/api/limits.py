"""Every bound of the local API, each with its reason. Spec: `protocol/api.md`, "Limits".

Sizes in bytes, times in seconds. They keep a slow, broken or hostile local client from costing
anybody else more than one connection.
"""

from typing import Final

from p2pblog.protocol.limits import KIB, MIB

MAX_HEAD: Final = 16 * KIB  # what browsers and proxies allow; ours are under 1 KiB
MAX_FIELDS: Final = 32  # in a query; our longest has 7
MAX_BODY: Final = 64 * KIB  # a post of 15 KiB with most characters escaped
MAX_IMPORT_BODY: Final = 8 * MIB  # 1,000 posts of 8 KiB
MAX_IMPORTS: Final = 2  # large bodies held at a time: bounds memory to tens of MiB
MAX_CONNECTIONS: Final = 64  # of one door: a page takes 6, a bot 2; file descriptors stay few
MAX_TURNED_AWAY: Final = 16  # told "busy" at a time; above that a connection is just closed

REQUEST_TIMEOUT: Final = 30.0  # head and body: 8 MiB at 2 Mbit/s
SEND_TIMEOUT: Final = 30.0  # an answer, or one batch of events, on a machine that swaps
IDLE_TIMEOUT: Final = 60.0  # between two requests: longer than a page's polling
LINGER: Final = 1.0  # lets an early refusal be read before the connection is reset
STOP_GRACE: Final = 0.5  # for requests at work when the daemon stops, of its two seconds
KEEP_ALIVE: Final = 15.0  # of event streams: half of the shortest time-out in proxies

DEFAULT_LIMIT: Final = 50  # posts of one page when the client does not say
MAX_LIMIT: Final = 500  # 8 MiB of the longest texts
MAX_IMPORT_ITEMS: Final = 1000  # one transaction of the store
EVENT_BATCH: Final = 100  # posts of one write: 1.5 MiB of the longest texts

MIN_PREFIX: Final = 4  # hex digits of an id: one digit more than a slip of the hand
MAX_KEY: Final = 128  # of an Idempotency-Key: a UUID takes 36
MAX_WORD: Final = 256  # names, addresses and settings, before the service judges them
MAX_PATH: Final = 4 * KIB  # PATH_MAX of Linux
MAX_VALUE: Final = 1 * KIB  # of a setting: the longest is an address
MAX_PICTURE_TEXT: Final = 32 * KIB  # base64 of twice the picture that a profile may have
MAX_QUERY: Final = 1 * KIB  # a search in words
MAX_INVITATION_HOURS: Final = 24 * 366  # a year and a day of slack; the default is a week
MIN_NONCE: Final = 16  # of /proof: never asked twice by chance
MAX_NONCE: Final = 64
MAX_SOCKET_PATH: Final = 103  # macOS; Linux has 107
