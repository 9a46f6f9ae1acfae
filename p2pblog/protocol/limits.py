"""Every bound of the protocol, each with its reason. Spec: `protocol/limits.md`.

Sizes in bytes, times in seconds unless the name says otherwise.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * 1024

# codec
MAX_DEPTH: Final = 8  # our deepest record nests 5; refuses stacks made to exhaust the decoder

# entries and logs
MAX_HEADER: Final = 1 * KIB  # ours take about 135; leaves a later version room to append
MAX_HEADER_EXTRA: Final = 256  # what a later version may append to a header
MAX_PAYLOAD: Final = 16 * KIB  # 2,500 words; longer texts and files are blobs
SALT_SIZE: Final = 16  # a deleted payload can't be found again by guessing: 2^128 tries
MAX_TEXT: Final = 15 * KIB  # of a post, in UTF-8: leaves room for channel, reference and source
MAX_SEQ: Final = 2**48  # 8 million entries a second for a year; fits a signed 64-bit column
MAX_TIME_MS: Final = 2**48  # the year 10889
MAX_INCARNATIONS: Final = 64  # per device: more is a broken machine, to be admitted anew
MAX_PULLED_BRANCHES: Final = 4  # per posts log: more forks than any accident makes

# pages
MAX_PAGE_ENTRIES: Final = 512  # one signature a page makes verifying 1/512 of the work
MAX_PAGE_BYTES: Final = 256 * KIB  # four frames; a receiver holds few of them at a time

# team
MAX_AFTER: Final = 64  # heads named by one operation
MAX_OPEN_INVITATIONS: Final = 64  # each is one trial decryption of a stranger's first message
MAX_NAME: Final = 64  # a person's, a device's or a channel's name, in UTF-8
MAX_TEAM_NAME: Final = 64
MAX_CUTOFFS: Final = 256  # logs named by one removal; more are cut at 0 all the same
INVITATION_DAYS: Final = 7  # an invitation is open this long unless told otherwise

# sessions
MAX_MESSAGE: Final = 288 * KIB  # a page and its envelope
MAX_FRAME: Final = 65535  # a Noise message's length is 16 bits
MAX_HANDSHAKE: Final = 1 * KIB  # ours take at most 128; bounds what a stranger makes us hold
HANDSHAKE_TIMEOUT: Final = 10.0  # a handshake takes 2 round trips; a satellite link 1.5 s
STRANGER_TIMEOUT: Final = 10.0  # to prove membership with team logs
MAX_STRANGER_BYTES: Final = 4 * MIB  # team logs of 10,000 operations
BUCKETS: Final = 256  # a frontier's summary: 2 KiB
MAX_ROWS: Final = 2000  # rows of one message; a larger frontier takes several
MAX_WANTS: Final = 1000  # payloads asked for at a time
MAX_ADDRESSES: Final = 64  # told to a peer at a time
IDLE_TIMEOUT: Final = 90.0  # three missed pings
PING_INTERVAL: Final = 30.0  # keeps a NAT's mapping, at 50 bytes
ANTI_ENTROPY_INTERVAL: Final = 30.0  # one digest of 16 bytes when nothing differs
PULL_DELAY: Final = 0.3  # how long an announced entry may take by another way before it is pulled
ANNOUNCE_DELAY: Final = 0.05  # announcements are gathered this long
MESH_SIZE: Final = 24  # devices up to which everybody links to everybody
RANDOM_LINKS: Final = 8  # links of a device in a larger team; stays connected with 60 % gone
CLOCK_TOLERANCE_MS: Final = 10 * 60 * 1000  # a time further ahead of the reader's clock is flagged
