"""Where a node keeps what it keeps."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a home, and the marker outside of it."""

    home: Path
    store: Path
    identity: Path
    joining: Path
    marker: Path
