"""The replica of a team's logs: the one public door to the store.

Synchronous, without a clock: `now` is an argument, ms since 1970 UTC. Writes are one at a time,
each on the disk when it returns; reads run beside them, on any thread. Raises `DiskError` where the
disk fails, `CantWrite` where it takes nothing more, and nothing but bugs besides.
"""

from p2pblog.store.append import Appended, Author, Draft
from p2pblog.store.budgets import Paused
from p2pblog.store.catalog import LogKey
from p2pblog.store.copies import Copies
from p2pblog.store.desk import Desk
from p2pblog.store.ends import Beyond
from p2pblog.store.ingest import Checked, Ingested
from p2pblog.store.notes import Token
from p2pblog.store.reading import Reading
from p2pblog.store.roll import Roll
from p2pblog.store.serve import Served
from p2pblog.store.shelves import Shelves
from p2pblog.store.wants import Wanted

__all__ = [
    "Appended",
    "Author",
    "Beyond",
    "Checked",
    "Draft",
    "Ingested",
    "LogKey",
    "Paused",
    "Replica",
    "Served",
    "Token",
    "Wanted",
]


class Replica(Shelves, Reading, Roll, Desk, Copies):
    """An open store of one team.

    `core` writes, `shelves` serve, `reading` shows posts and `roll` people, `desk` keeps notes,
    `copies` makes backups.
    """
