"""Mirrored names: the page, the vectors, the test and the code of a thing are named alike.

And what a page or the index links to is there.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "protocol"

PAGES_BESIDES = {"README", "api", "attacks", "reasons"}  # of no module
NO_BYTES = {"effects"}  # a seam within one program: nothing to put in vectors
TESTS_BESIDES = {"mirror", "reasons", "schema", "vectors"}  # of the pages or of all modules


def names(folder: str, pattern: str, strip: str = "") -> set[str]:
    files = (ROOT / folder).glob(pattern)
    return {file.stem.removeprefix(strip) for file in files if file.stem != "__init__"}


MODULES = names("p2pblog/protocol", "*.py")


def test_every_module_has_its_page() -> None:
    assert names("protocol", "*.md") == MODULES | PAGES_BESIDES


def test_every_module_has_its_vectors() -> None:
    assert names("protocol/vectors", "*.json") == MODULES - NO_BYTES


def test_every_vector_file_has_its_maker() -> None:
    makers = {name for name in names("tests/vectors", "*.py") if not name.startswith("_")}
    assert makers == MODULES - NO_BYTES


def test_every_module_has_its_test() -> None:
    assert names("tests/protocol", "test_*.py", "test_") == MODULES - NO_BYTES | TESTS_BESIDES


def test_every_module_names_its_page() -> None:
    for name in MODULES:
        source = (ROOT / f"p2pblog/protocol/{name}.py").read_text(encoding="utf-8")
        assert f"protocol/{name}.md" in source.split('"""')[1], name


def test_the_index_names_every_page() -> None:
    index = (SPEC / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((\w+)\.md\)", index))
    assert linked == names("protocol", "*.md") - {"README"}


def test_what_a_page_names_is_there() -> None:
    for page in SPEC.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"`(\w+)\.md`", text):
            assert (SPEC / f"{name}.md").is_file(), (page.name, name)
        for name in re.findall(r"`?vectors/(\w+\.json)`?", text):
            assert name == "X.json" or (SPEC / "vectors" / name).is_file(), (page.name, name)


def test_every_page_says_why() -> None:
    for name in MODULES:
        assert "\n## Why\n" in (SPEC / f"{name}.md").read_text(encoding="utf-8"), name
