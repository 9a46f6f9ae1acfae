"""Every error of the program, drawn as one tree: the class says whose fault it is.

- `UserError`: the person at the terminal can mend it. One line, an exit code, no traceback.
- `PeerError`: what came from another machine is wrong. Ends that connection, with a `Reason`.
- `DiskError`: the disk or the store can't be trusted. Ends the daemon.
- Anything else is a bug of ours and is never caught.

`Reason` is the one vocabulary for what is refused from outside; the vectors in
`protocol/vectors` use the same words. Spec: `protocol/reasons.md`.
"""

from enum import IntEnum, StrEnum


class Reason(StrEnum):
    """Why bytes from another machine were refused. The value is what travels and what is logged."""

    # bytes
    TOO_LARGE = "too_large"  # longer than the limit for its kind
    MALFORMED = "malformed"  # not msgpack, truncated, or with bytes left over
    NOT_CANONICAL = "not_canonical"  # decodes, but is not the shortest form
    BAD_SHAPE = "bad_shape"  # canonical, but not the fixed array that was due
    BAD_VALUE = "bad_value"  # the right shape with a value out of its range
    # entries and logs
    BAD_SIGNATURE = "bad_signature"
    BAD_BACKLINK = "bad_backlink"  # does not name the id of the entry before it
    BAD_SEQ = "bad_seq"  # seq does not follow the entry before it
    BAD_PAYLOAD = "bad_payload"  # size or hash is not what the header commits to
    WRONG_LOG = "wrong_log"  # a page that mixes logs, or an entry of another log
    WRONG_TEAM = "wrong_team"
    UNKNOWN_AUTHOR = "unknown_author"  # no member's device
    GAP = "gap"  # the entry before it is not here
    BEYOND_CUTOFF = "beyond_cutoff"  # written after its author was removed
    TOO_MANY_BRANCHES = "too_many_branches"
    TOO_MANY_INCARNATIONS = "too_many_incarnations"  # a broken machine: to be admitted anew
    PAUSED = "paused"  # its device has written more than is taken in of it in a day
    PAYLOAD_NEEDED = "payload_needed"  # team entries always travel with their payload
    # sessions
    DECRYPT_FAILED = "decrypt_failed"  # a frame that was altered, replayed, or made with other keys
    LOW_ORDER_KEY = "low_order_key"
    UNEXPECTED = "unexpected"  # a message that this phase does not allow
    FLOOD = "flood"  # more than the limit for an unknown or a misbehaving peer
    TIMED_OUT = "timed_out"
    VERSION = "version"  # no common protocol version
    # files
    UNKNOWN_FILE = "unknown_file"  # neither a bundle nor a backup, or the other of the two
    BAD_HEAD = "bad_head"  # the head of a file was altered
    TRUNCATED = "truncated"  # a file that ends before its end
    OUT_OF_ORDER = "out_of_order"  # a chunk of a file that is not the one that was due
    NOT_FOR_US = "not_for_us"  # a bundle that was not sealed to this device
    WRONG_PASSPHRASE = "wrong_passphrase"
    # people
    NOT_A_MEMBER = "not_a_member"
    CUT = "cut"  # a device that was removed or revoked
    SELF = "self"  # we dialled ourselves
    DUPLICATE = "duplicate"  # a second connection between the same two devices
    BUSY = "busy"  # too many connections; try again later
    SHUTTING_DOWN = "shutting_down"
    # invitations
    BAD_CODE = "bad_code"  # mistyped: the check character does not fit
    INVITATION_UNKNOWN = "invitation_unknown"
    INVITATION_USED = "invitation_used"
    INVITATION_EXPIRED = "invitation_expired"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    NOT_AUTHORISED = "not_authorised"  # the actor's role does not allow the operation
    ALREADY_ADMITTED = "already_admitted"  # the device key is of the team, or was
    BAD_PROOF = "bad_proof"
    NAME_TAKEN = "name_taken"
    BAD_NAME = "bad_name"
    NEEDS_NEWER_VERSION = "needs_newer_version"


class Exit(IntEnum):
    """Exit codes of the command line. README, "Exit codes"."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    NOT_SET_UP = 4
    NOT_FOUND = 5
    NOT_ALLOWED = 6
    UNREACHABLE = 7
    TIMED_OUT = 8
    CONFLICT = 9
    PROBLEMS = 10
    INTERRUPTED = 130


class P2pblogError(Exception):
    """The root: every error that we raise on purpose."""


class UserError(P2pblogError):
    """Something the user can mend: `message` names the thing and the reason, `hint` what to do."""

    exit_code = Exit.FAILED
    code = "failed"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(UserError):
    """A value that makes no sense: an unknown option, an unreadable date, an empty post."""

    exit_code = Exit.USAGE
    code = "usage"


class NotSetUp(UserError):
    """This home belongs to no team yet, or no longer."""

    exit_code = Exit.NOT_SET_UP
    code = "not_set_up"


class NotFound(UserError):
    """Nothing has that id or name."""

    exit_code = Exit.NOT_FOUND
    code = "not_found"


class NotAllowed(UserError):
    """The role, the policy or the token does not allow it."""

    exit_code = Exit.NOT_ALLOWED
    code = "not_allowed"


class DaemonUnreachable(UserError):
    """The daemon is needed and does not answer."""

    exit_code = Exit.UNREACHABLE
    code = "unreachable"


class WaitRanOut(UserError):
    """What was waited for did not happen in time; it may still happen."""

    exit_code = Exit.TIMED_OUT
    code = "timed_out"


class Conflict(UserError):
    """It collides with what is there: a name taken, a code used, a home already founded."""

    exit_code = Exit.CONFLICT
    code = "conflict"


class CantWrite(UserError):
    """The disk takes nothing more: full, read-only, or a limit is reached. Reading goes on."""

    code = "cant_write"


class SearchDamaged(CantWrite):
    """The search index is damaged: everything but search goes on, and it can be made anew."""

    code = "search_damaged"


class PeerError(P2pblogError):
    """What another machine sent is refused; ends that connection and harms nobody else."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class Refused(PeerError):
    """Bytes or an operation that break a rule of `protocol/`; `reason` says which."""


class ConnectionLost(PeerError):
    """The other side, or the network between, went away."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(Reason.TIMED_OUT, detail or "connection lost")


class DiskError(P2pblogError):
    """The disk refused, or the store is damaged: the daemon stops rather than guess."""


class StoreTooNew(DiskError, UserError):
    """The store was written by a newer version of p2pblog; nothing was touched."""

    exit_code = Exit.CONFLICT
    code = "store_too_new"

    def __init__(self, message: str, hint: str = "") -> None:
        UserError.__init__(self, message, hint)


class HomeLocked(Conflict):
    """Another daemon already runs on this home."""

    code = "home_locked"
