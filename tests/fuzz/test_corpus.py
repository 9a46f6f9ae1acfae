"""All kept inputs, one after the other; and, slowly, a minute of fuzzing in all."""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fuzz import NO_INPUT, campaign, corpus, load, names

SEED = 1
MINUTE = 60
AT_ONCE = 2


@pytest.mark.parametrize("name", names())
def test_kept_inputs(name: str) -> None:
    target = load(name)
    outcomes = set()
    for data in [*corpus.kept(target), *corpus.fixed(target)]:
        try:
            outcomes.add(target.run(data))
        except BaseException:
            print(campaign.replay_line(name, data))
            raise
    assert len(outcomes - {NO_INPUT}) > 1, "it takes and refuses, or nothing is tried"
    assert target.due <= outcomes


def test_every_target_keeps_inputs() -> None:
    assert sorted(file.stem for file in corpus.FOLDER.iterdir()) == names()


@pytest.mark.parametrize("name", names())
def test_the_kept_inputs_are_few_and_small(name: str) -> None:
    kept = corpus.kept(load(name))
    assert kept == sorted(set(kept), key=lambda data: (len(data), data))
    assert sum(map(len, kept)) <= corpus.ROOM


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="needs the extra fuzz: pip install .[fuzz]"
)
def test_a_minute_of_fuzzing() -> None:
    """Each target for its share, two at a time. A failure says how to see it again."""
    targets = [load(name) for name in names()]
    share = max(2, MINUTE // len(targets))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = pool.map(lambda target: campaign.fuzz(target, share, SEED), targets)
        told = [(target, result) for target, result in zip(targets, results, strict=True)]
    failed = [result.told(target) for target, result in told if result.crash is not None]
    assert not failed, "\n".join(failed)
    assert all(result.runs > 0 for _, result in told)
