"""Fuzzes one target for a while, in a process of its own, and tells of it."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import Target, corpus

ROOT = Path(__file__).parents[2]
MEMORY = 768  # MiB; a target takes about 100
PATIENCE = 10  # seconds for one input; they take milliseconds


@dataclass(frozen=True)
class Result:
    """What came of it. `inputs` are all that reached something new, `crash` the one that failed."""

    runs: int
    per_second: int
    coverage: int
    inputs: tuple[bytes, ...]
    output: str
    crash: bytes | None

    def told(self, target: Target) -> str:
        """A line for a person; of a failure all there is, and the line to see it again."""
        if self.crash is None:
            return (
                f"{target.name:12} {self.runs:>10,} runs  {self.per_second:>7,}/s  "
                f"coverage {self.coverage:>5,}  {len(self.inputs):>5,} inputs"
            )
        return f"{self.output}\n{replay_line(target.name, self.crash)}"


def replay_line(name: str, data: bytes) -> str:
    """The command that runs one input again."""
    return f"python -m tests.fuzz {name} --replay {base64.b64encode(data).decode() or '='}"


def fuzz(target: Target, seconds: int, seed: int) -> Result:
    """Start from the kept inputs. Ends early where an input fails."""
    with tempfile.TemporaryDirectory(prefix="p2pblog-fuzz-") as folder:
        inputs, found = Path(folder) / "inputs", Path(folder) / "found"
        inputs.mkdir()
        found.mkdir()
        for number, data in enumerate(
            [*(corpus.kept(target) or target.seeds()), *corpus.fixed(target)]
        ):
            (inputs / str(number)).write_bytes(data)
        done = subprocess.run(
            _command(target, inputs, found, seconds, seed),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        crashes = [file.read_bytes() for file in found.iterdir()]
        if done.returncode and not crashes:
            raise RuntimeError(f"the fuzzer of {target.name} did not start:\n{done.stdout}")
        kept = tuple(file.read_bytes() for file in inputs.iterdir())
        return _result(done.stdout, kept, crashes[0] if done.returncode else None)


def _command(target: Target, inputs: Path, found: Path, seconds: int, seed: int) -> list[str]:
    return [
        *(sys.executable, "-m", "tests.fuzz.engine", target.name, str(inputs)),
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={target.longest}",
        f"-rss_limit_mb={MEMORY}",
        f"-timeout={PATIENCE}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
    ]


def _result(output: str, inputs: tuple[bytes, ...], crash: bytes | None) -> Result:
    def last(pattern: str) -> int:
        found = re.findall(pattern, output)
        return int(found[-1]) if found else 0

    return Result(
        last(r"number_of_executed_units: (\d+)"),
        last(r"average_exec_per_sec: +(\d+)"),
        last(r" cov: (\d+)"),
        inputs,
        output[-6000:],
        crash,
    )
