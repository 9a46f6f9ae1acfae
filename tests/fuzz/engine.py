"""`python -m tests.fuzz.engine TARGET FOLDER [libFuzzer's options]`: fuzz until told otherwise.

Everything of ours that is imported here for the first time is instrumented.
"""

import sys

import atheris

with atheris.instrument_imports(include=["p2pblog"], enable_loader_override=False):
    from tests.fuzz import load
    from tests.fuzz.mutate import Mutator

    target = load(sys.argv[1])


def change(data: bytes, size: int) -> bytes:
    changed: bytes = atheris.Mutate(data, size)  # another function once `Setup` was called
    return changed


mutator = Mutator(change)


def mutate(data: bytes, size: int, seed: int) -> bytes:
    return mutator(data, size, seed)


def run(data: bytes) -> None:
    target.run(data)


atheris.Setup([sys.argv[0], *sys.argv[2:]], run, custom_mutator=mutate)
atheris.Fuzz()
