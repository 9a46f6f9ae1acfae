"""`python -m tests.vectors [NAME ...]` writes the committed vectors anew."""

import argparse
import sys
from collections.abc import Sequence

from tests.vectors import FOLDER, names, text


def main(arguments: Sequence[str]) -> None:
    """Write those that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.vectors", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(names())
    if unknown:
        parser.error(f"no such module: {', '.join(unknown)}; there are: {', '.join(names())}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in given.names or names():
        (FOLDER / f"{name}.json").write_text(text(name), encoding="utf-8")
        print(f"wrote {name}.json")


if __name__ == "__main__":
    main(sys.argv[1:])
