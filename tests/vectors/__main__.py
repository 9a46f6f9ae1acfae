"""`python -m tests.vectors [NAME ...]` writes the committed vectors anew."""

import sys

from tests.vectors import FOLDER, names, text

FOLDER.mkdir(parents=True, exist_ok=True)
for name in sys.argv[1:] or names():
    (FOLDER / f"{name}.json").write_text(text(name), encoding="utf-8")
    print(f"wrote {name}.json")
