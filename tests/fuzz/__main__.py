"""`python -m tests.fuzz`: fuzz, run an input again, or make the kept inputs anew.

python -m tests.fuzz                            the targets, and how many inputs are kept
python -m tests.fuzz TARGET --seconds 3600      fuzz it; --keep adds what it finds to what is kept
python -m tests.fuzz all --seconds 60           each target for so long
python -m tests.fuzz TARGET --replay BASE64     run one input
python -m tests.fuzz TARGET --reached           which lines of ours the kept inputs reach
python -m tests.fuzz TARGET --seeds             keep the seeds too, made from the vectors
"""

from __future__ import annotations

import argparse
import base64
import random
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from tests.fuzz import Target, campaign, corpus, load, names
from tests.support.arguments import at_least


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", nargs="?", choices=[*names(), "all"], metavar="TARGET")
    parser.add_argument("--seconds", type=at_least(1), default=60)
    parser.add_argument("--seed", type=at_least(1), default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--replay", metavar="BASE64", type=_input)
    parser.add_argument("--reached", action="store_true")
    parser.add_argument("--seeds", action="store_true")
    asked = parser.parse_args(arguments)
    fuzzes = asked.target and asked.replay is None and not (asked.reached or asked.seeds)
    if fuzzes and find_spec("atheris") is None:
        parser.error("the extra fuzz is not installed: pip install -e '.[fuzz]'")
    targets = [
        load(name) for name in (names() if asked.target in (None, "all") else [asked.target])
    ]
    return max(_one(target, asked) for target in targets)


def _input(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it is not base64: {error}") from error


def _one(target: Target, asked: argparse.Namespace) -> int:
    if asked.target is None:
        print(f"{target.name:12} {len(corpus.kept(target)):4} inputs  {_first_line(target)}")
    elif asked.replay is not None:
        print(target.run(asked.replay))
    elif asked.reached:
        _show_reached(target)
    elif asked.seeds:
        print(f"{target.name}: kept {corpus.keep(target, [*corpus.kept(target), *target.seeds()])}")
    else:
        return _fuzz(target, asked)
    return 0


def _first_line(target: Target) -> str:
    return target.invariant.partition("\n")[0]


def _show_reached(target: Target) -> None:
    """Per file of ours, how many lines all kept inputs reach together."""
    lines: dict[str, set[int]] = {}
    for data in corpus.kept(target):
        for step in corpus.reached(target, data):
            if isinstance(step, tuple):
                lines.setdefault(step[0], set()).add(step[2])
    for file, found in sorted(lines.items()):
        print(f"{target.name:12} {len(found):5} lines of {file}")


def _fuzz(target: Target, asked: argparse.Namespace) -> int:
    result = campaign.fuzz(target, asked.seconds, asked.seed)
    print(result.told(target), flush=True)
    if asked.keep and result.crash is not None:
        corpus.keep_failure(target, result.crash)
    elif asked.keep:
        print(f"{'':12} kept {corpus.keep(target, [*corpus.kept(target), *result.inputs])}")
    return int(result.crash is not None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
