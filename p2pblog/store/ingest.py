"""Storing what others wrote: pages, each verified whole, placed, and stored whole or not at all.

One transaction a batch; a page that is refused leaves the others of its batch alone. Ingesting a
page again changes nothing. Team pages go first, so that the posts of a batch are judged by the team
that the batch makes. Team logs are taken beyond their cut-offs too: an operation there may be what
overturns one, and the team's rules decide that. They are not passed on beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from p2pblog.errors import Reason, Refused
from p2pblog.protocol import page
from p2pblog.protocol.entry import EntryId, Kind, TeamId
from p2pblog.protocol.limits import MAX_INCARNATIONS, MAX_PULLED_BRANCHES
from p2pblog.protocol.log import Branch, Outcome, Place, Tip, place
from p2pblog.protocol.page import Page
from p2pblog.protocol.post import Post
from p2pblog.store import bounds, budgets, entries, views, wants
from p2pblog.store.authority import Authority
from p2pblog.store.catalog import Log, LogKey
from p2pblog.store.writing import Run, Writing


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a page.

    `log` and `first_seq` are of the page, None and 0 where it did not verify. `stored` counts
    new entries and `size` their bytes; `tip` is of the branch that holds the page, `arrivals` are
    the first and last number of the new entries. `filled`: payloads that were missing until now.
    """

    outcome: Outcome
    reason: Reason | None = None
    log: LogKey | None = None
    first_seq: int = 0
    stored: int = 0
    size: int = 0
    tip: Tip | None = None
    arrivals: tuple[int, int] | None = None
    filled: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """A page as it came, what it is or why it is refused, and what can be read of each entry."""

    data: bytes
    page: Page | Refused
    posts: Sequence[Post | None] = ()

    def __len__(self) -> int:
        return len(self.data)


def check(data: bytes | Checked, team: TeamId) -> Checked:
    """The page verified and read, or why it is refused. Needs no transaction and no lock."""
    if isinstance(data, Checked):
        return data
    try:
        found = page.verify(data, team)
    except Refused as refusal:
        return Checked(data, refusal)
    return Checked(data, found, views.read_all(found.headers, found.payloads))


def store(writing: Writing, checked: Sequence[Checked], *, judged: bool = True) -> list[Ingested]:
    """Store a batch; posts are `judged` by the team that its team pages make."""
    results: dict[int, Ingested] = {}
    todo: list[tuple[int, Page, Sequence[Post | None]]] = []
    for index, item in enumerate(checked):
        if isinstance(item.page, Refused):
            results[index] = Ingested(Outcome.REFUSED, item.page.reason)
        else:
            todo.append((index, item.page, item.posts))
    for index, found, posts in todo:
        if found.headers[0].kind == Kind.TEAM:
            results[index] = _store_page(writing, found, posts, None)
    authority = bounds.judge(writing)
    for index, found, posts in todo:
        if found.headers[0].kind != Kind.TEAM:
            results[index] = _store_page(writing, found, posts, authority if judged else None)
    return [results[index] for index in range(len(checked))]


def _store_page(
    writing: Writing, item: Page, posts: Sequence[Post | None], authority: Authority | None
) -> Ingested:
    key, first = LogKey(*item.log), item.headers[0]
    log = writing.log(writing.catalog.id_of(key))
    reason = authority.refusal(key, first.seq, item.ids) if authority else None
    if reason is not None:
        return Ingested(Outcome.REFUSED, reason, key, first.seq)

    def id_at(branch: Branch, seq: int) -> EntryId | None:
        assert log is not None
        writing.flush()
        return entries.id_at(writing.connection, log, branch, seq)

    found = place(log.branches if log else (), first.seq, first.backlink, item.ids, id_at)
    if found.outcome is Outcome.GAP:
        return Ingested(Outcome.GAP, Reason.GAP, key, first.seq)
    filled = 0
    if found.index and log and found.branch and writing.any_wanted:
        filled = wants.fill_known(writing, log, found.branch, item, found.index)
        log = writing.log(log.id)
    if found.outcome is Outcome.KNOWN:
        assert log is not None
        assert found.branch is not None
        bounds.learn_signature(writing, log, found.branch, item)
        return Ingested(Outcome.KNOWN, None, key, first.seq, tip=found.branch.tip, filled=filled)
    first_new = item.headers[found.index].seq
    reason = _refusal(writing, key, log, found) or budgets.refusal(writing, key, first_new)
    if reason is not None:
        return Ingested(Outcome.REFUSED, reason, key, first.seq, filled=filled)
    return _store_new(writing, log, item, posts, found, filled)


def _refusal(writing: Writing, key: LogKey, log: Log | None, found: Place) -> Reason | None:
    if log is None:
        full = writing.logs_of(key) >= MAX_INCARNATIONS
        return Reason.TOO_MANY_INCARNATIONS if full else None
    if found.outcome is not Outcome.FORK or key.kind == Kind.TEAM:
        return None
    return Reason.TOO_MANY_BRANCHES if len(log.branches) >= MAX_PULLED_BRANCHES else None


def _store_new(
    writing: Writing,
    log: Log | None,
    item: Page,
    posts: Sequence[Post | None],
    found: Place,
    filled: int,
) -> Ingested:
    key, index, branch = LogKey(*item.log), found.index, found.branch
    run = Run(
        item.ids[index:],
        item.headers[index:],
        item.raw[index:],
        item.held[index:],
        item.payloads[index:],
        posts[index:],
    )
    log = log or writing.new_log(key)
    if branch is None or found.outcome is Outcome.FORK:
        log, branch = writing.new_branch(log, branch, run.headers[0].seq)
    budgets.spend(writing, key, run)
    arrivals = writing.add(log, branch, run)
    return Ingested(
        found.outcome,
        None,
        key,
        item.headers[0].seq,
        len(run.ids),
        run.size,
        Tip(run.headers[-1].seq, run.ids[-1]),
        arrivals,
        filled,
    )
