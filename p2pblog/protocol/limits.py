"""Every bound of the protocol, each with its reason. Spec: `protocol/limits.md`.

Sizes in bytes, times in seconds unless the name says otherwise.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * 1024

# codec
MAX_DEPTH: Final = 8  # our deepest record nests 5; refuses stacks made to exhaust the decoder
MAX_ITEMS: Final = 2048  # of an array: ours has 2,000; some decoders make room for mere claims

# entries and logs
MAX_HEADER: Final = 1 * KIB  # ours take about 135; leaves a later version room to append
MAX_HEADER_EXTRA: Final = 256  # what a later version may append to a header
MAX_PAYLOAD: Final = 16 * KIB  # 2,500 words; longer texts and files are blobs
SALT_SIZE: Final = 16  # a deleted payload can't be found again by guessing: 2^128 tries
MAX_TEXT: Final = 15 * KIB  # of a post, in UTF-8: leaves room for channel, reference and source
MAX_SEQ: Final = 2**48  # 8 million entries a second for a year; fits a signed 64-bit column
MAX_TIME_MS: Final = 2**48  # the year 10889
MAX_ORIGIN: Final = 128  # of an imported post's id where it came from, in UTF-8: any URL of one
MAX_ABOUT: Final = 1 * KIB  # of a profile, in UTF-8: what somebody does, in a few sentences
MAX_SKILLS: Final = 32  # of a profile, each as long as a name: 2 KiB of the payload
MAX_PICTURE: Final = 12 * KIB  # of a profile: 128 x 128 pixels as JPEG; fits beside the words
MAX_INCARNATIONS: Final = 64  # per device: more is a broken machine, to be admitted anew
MAX_PULLED_BRANCHES: Final = 4  # per posts log: more forks than any accident makes

# pages
MAX_PAGE_ENTRIES: Final = 512  # one signature a page makes verifying 1/512 of the work
MAX_PAGE_BYTES: Final = 256 * KIB  # four frames; a receiver holds few of them at a time

# team
MAX_AFTER: Final = 64  # heads named by one operation
MAX_OPEN_INVITATIONS: Final = 64  # each is one trial decryption of a stranger's first message
MAX_NAME: Final = 64  # a person's, a device's or a channel's name, in UTF-8
MAX_TEAM_NAME: Final = 64  # of a team, in UTF-8: fits a line of any list
MAX_CUTOFFS: Final = 80  # logs named by one removal: with 64 heads they fit a payload
MAX_RETENTION_DAYS: Final = 36525  # a hundred years; for ever is nil
MIN_RETENTION_DAYS: Final = 30  # only the founder may set less: others can't make a team forget
CODE_BYTES: Final = 10  # random bytes a code is made of; 75 of the 80 bits are used
RECOVERY_BYTES: Final = 17  # the same of a recovery code; 135 of the 136 bits are used
MAX_CODE_TEXT: Final = 2 * KIB  # typed or pasted: a code, or a link with its addresses
MAX_LINK_ADDRESSES: Final = 8  # what still fits a QR picture that a phone reads
INVITATION_DAYS: Final = 7  # an invitation is open this long unless told otherwise

# sessions
MAX_MESSAGE: Final = 288 * KIB  # a page and its envelope
MAX_FRAME: Final = 65535  # a Noise message's length is 16 bits
MAX_HANDSHAKE: Final = 1 * KIB  # ours take at most 128; bounds what a stranger makes us hold
HANDSHAKE_TIMEOUT: Final = 10.0  # a handshake takes 2 round trips; a satellite link 1.5 s
STRANGER_TIMEOUT: Final = 10.0  # to prove membership with team logs
MAX_STRANGER_BYTES: Final = 4 * MIB  # team logs of 10,000 operations
BUCKETS: Final = 256  # at least, of a frontier's summary: 1.3 KiB; one for two logs above 512
MAX_BUCKETS: Final = 2048  # 10 KiB; beyond 4,096 logs a bucket has several
MAX_ROWS: Final = 2000  # rows of one message; a larger frontier takes several
MAX_ROW_TIPS: Final = 64  # branches of a log named in a row: the newest
MAX_ROWS_MARKS: Final = 8000  # tips in the rows of one message: 231 KiB with 2,000 rows
MAX_MARKS: Final = 64  # of a locator: 49 for the longest log, more where branches part
MAX_WANTS: Final = 16  # payloads asked for at a time: 16 of the largest fit a message
MAX_ADDRESSES: Final = 64  # told to a peer at a time
IDLE_TIMEOUT: Final = 90.0  # three missed pings
PING_INTERVAL: Final = 30.0  # keeps a NAT's mapping, at 50 bytes
ANTI_ENTROPY_INTERVAL: Final = 30.0  # one digest of 16 bytes when nothing differs
FILLED_DELAY: Final = 1.0  # payloads come many in a row: the peer hears of them once
PULL_DELAY: Final = 0.3  # how long an announced entry may take by another way before it is pulled
ANNOUNCE_DELAY: Final = 0.2  # announcements are gathered this long
CLAIM_TIMEOUT: Final = 15.0  # a peer that sends nothing for so long loses its turn
CLAIM_PATIENCE: Final = 300.0  # who brings other things keeps a bucket from others so long
MAX_HEIGHTS: Final = 16384  # logs whose height at a peer is kept, 2 MiB: 250 devices at their most
MAX_HOPS: Final = 255  # that are told: a byte; a team of 1,000 devices has trees of 8
MAX_PENDING_PULLS: Final = 4096  # announced and not yet here; anti-entropy finds the rest
MESH_SIZE: Final = 24  # devices up to which everybody links to everybody
RANDOM_LINKS: Final = 8  # links of a device in a larger team; stays connected with 60 % gone
ROTATION_INTERVAL: Final = 600.0  # one link for another: two halves of 50 find together in 30 s
YOUNG_LINK: Final = 3.0  # two devices may have dialled each other at the same time
CLOCK_TOLERANCE_MS: Final = 10 * 60 * 1000  # a time further ahead of the reader's clock is flagged

# budgets
POSTS_BUDGET: Final = 256 * MIB  # of a device in a day: thrice an import of 200,000 posts
TEAM_BUDGET: Final = 128 * KIB  # the same of operations: 300, a firm of 100 set up in a day
BUDGET_DAYS: Final = 2  # what was not used up is saved for so long
FIRST_DAYS: Final = 32  # at most, of a device met for the first time: what it wrote before

# files
MAX_CHUNK: Final = 64 * KIB  # of a sealed file: where it breaks off, so much is lost at most
MAX_HEAD: Final = 128 * KIB  # of a sealed file: 2,000 slots of 50 bytes
MAX_RECORD: Final = 288 * KIB  # of a sealed file: a page and its envelope
MAX_RECIPIENTS: Final = 2000  # devices that a bundle is sealed to: any firm that we are for
MAX_RUNS: Final = 1000  # of logs in one record of a bundle's contents; more take several
MAX_CONTENTS: Final = 64  # such records: what a receiver holds of it stays within 20 MiB
PASSPHRASE_PASSES: Final = 3  # argon2id for a backup, as libsodium's "moderate": 0.7 s
PASSPHRASE_MEMORY: Final = 256 * KIB  # KiB, 256 MiB: what a graphics card has little of
MAX_PASSES: Final = 32  # that a backup's head may ask for: 10 s and no more
MAX_PASS_MEMORY: Final = 1024 * KIB  # KiB, 1 GiB: a forged head must not exhaust the machine
MIN_PASSPHRASE: Final = 8  # characters: less is a slip of the hand
MAX_PASSPHRASE: Final = 1 * KIB  # of a passphrase in UTF-8: a whole sentence has 200

# sockets
CONNECT_TIMEOUT: Final = 5.0  # three SYNs; on a LAN the first is answered in a millisecond
DIAL_STAGGER: Final = 0.25  # RFC 8305: how long an address may take before the next is tried too
SEND_TIMEOUT: Final = 30.0  # a peer that takes nothing for so long is of no use
LINK_TIMEOUT: Final = 15.0  # what was sent unacknowledged for so long: a link that broke silently
END_TIMEOUT: Final = 0.5  # for the end mark to leave us; a daemon stops within two seconds
READ_SIZE: Final = 256 * KIB  # a page in one read
SEND_CHUNK: Final = 256 * KIB  # messages are encrypted and sent in pieces of about this size
MAX_CONNECTIONS: Final = 256  # accepted at a time: 0.5 MiB each at worst, and file descriptors
MAX_PENDING: Final = 64  # handshakes in hand; beyond it the oldest goes: honest ones are quick
MAX_PENDING_PER_SOURCE: Final = 16  # one machine runs few daemons
ACCEPT_PAUSE: Final = 0.1  # when no descriptor is left: lets others be closed first

# discovery
MAX_INSTANCES: Final = 256  # of the service on one LAN; beyond it the longest unheard is forgotten
MAX_INSTANCE_ADDRESSES: Final = 8  # dialled for one instance: a record can't make us scan a network
MAX_PROPERTIES: Final = 16  # of one instance's TXT record; ours has two
MAX_RESOLVING: Final = 16  # instances whose records are asked for one by one at a time
LOOK_MIN: Final = 1.0  # RFC 6762: no question twice a second
LOOK_EVERY: Final = 5.0  # a healed partition is seen so soon; 30 B/s
LOOK_MAX: Final = 60.0  # of each device: the more there are, the less each asks
HEARD_FOR: Final = 60.0  # an instance that was heard is asked to answer again so much later
MAX_UNANSWERED: Final = 3  # questions without an answer after which an instance is lost
DOUBT_PAUSE: Final = 10.0  # who dispelled a doubt is not doubted again: his port may be blocked
BEACON_LIFETIME: Final = 24 * 3600.0  # the tag is renewed daily
RESCAN_EVERY: Final = 300.0  # interfaces, where no event tells of them
LINK_POLL: Final = 5.0  # interfaces, where the kernel has no netlink; also the look for a resume
LINK_QUIET: Final = 0.3  # an interface that comes up tells of it in several events
LINK_QUIET_MAX: Final = 2.0  # one that never comes to rest must not silence the others
RESUME_GAP: Final = 30.0  # wall and monotonic clock apart by this: the machine slept
