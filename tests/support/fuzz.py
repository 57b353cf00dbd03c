"""Mutated flows and damaged data files, used in processes of their own: nothing may crash, hang or be silently wrong.

    python tests/support/fuzz.py flows --count 2000 --seed 1
    python tests/support/fuzz.py data --count 500 --seed 1

What happens is told in a table. What plain ONNX Runtime or plain ROOT does as well with the same file is theirs; the
exit status is 1 if anything is left that is ours: a crash, a hang, an error that is no message for a user, or another
result from a file that bears a checksum, or at whose damage plain ROOT stops.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_WORKER = Path(__file__).with_name("fuzz_worker.py")
_CASES_PER_PROCESS = 100
_START = 180  # seconds that a process may take to load ROOT


@dataclass
class Case:
    """Outcome of one mutated file."""

    number: int
    outcome: str = "crashed"
    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    plain: str = ""
    """Outcome without flashsim, where it was asked for."""

    @property
    def is_ours(self) -> bool:
        """Whether flashsim is to blame."""
        if self.outcome in ("crashed", "hung"):
            return self.plain not in ("crashed", "hung")
        if self.outcome == "other":
            return self.details["covered"] or self.plain in ("right", "refused")
        return self.outcome == "odd error"


class Fuzzer:
    """Runs cases of one subject, ``flows`` or ``data``."""

    def __init__(self, subject: str, seed: int, bases: Path, limit: float) -> None:
        self._subject, self._seed, self._bases, self._limit = subject, seed, bases, limit
        subprocess.run(self._command("prepare"), check=True, timeout=_START)

    def run(self, count: int) -> list[Case]:
        """Uses `count` mutated files; repeats harmful ones without this package, to find the faulty side."""
        cases = self._use(range(count), "ours", _CASES_PER_PROCESS)
        again = [case.number for case in cases if case.outcome in ("crashed", "hung")]
        # Alone, since an earlier case may have damaged the process.
        for case in self._use(again, "ours", 1):
            cases[case.number] = case
        suspects = [
            case.number
            for case in cases
            if case.outcome in ("crashed", "hung") or (case.outcome == "other" and self._subject == "data")
        ]
        for case in self._use(suspects, "plain", 1 if len(suspects) < 20 else _CASES_PER_PROCESS):
            cases[case.number].plain = case.outcome
        return cases

    def _use(self, numbers: Any, way: str, per_process: int) -> list[Case]:
        left, cases = list(numbers), []
        while left:
            batch = left[:per_process]
            done = list(self._use_batch(batch, way))
            cases += done
            left = left[max(1, len(done)) :]
            if not done:
                cases.append(Case(batch[0], message="the process died before it began"))
        return cases

    def _use_batch(self, numbers: list[int], way: str) -> Iterator[Case]:
        """The cases of one process; the last may be the one at which it ended."""
        process = subprocess.Popen(self._command(way, numbers), stdout=subprocess.PIPE, text=True)
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                lines.put(line)
            lines.put("")

        reader = threading.Thread(target=read)
        reader.start()
        case = None
        try:
            for number in range(2 * len(numbers)):
                try:
                    line = lines.get(timeout=self._limit if number > 0 else _START)
                except queue.Empty:
                    if case is not None:
                        case.outcome = "hung"
                        yield case
                    return
                if not line:
                    if case is not None:
                        case.message = f"exit status {process.wait()}"
                        yield case
                    return
                report = json.loads(line)
                if "begin" in report:
                    case = Case(report["begin"], details=report)
                elif case is not None:
                    case.outcome, case.message = report["outcome"], report["message"]
                    yield case
                    case = None
        finally:
            process.kill()
            process.wait()
            reader.join()

    def _command(self, way: str, numbers: Any = ()) -> list[str]:
        start = [sys.executable, "-W", "ignore", str(_WORKER), self._subject, way, str(self._seed), str(self._bases)]
        return [*start, *map(str, numbers)]


def describe(cases: list[Case], subject: str) -> str:
    """The table of outcomes, and the cases that are ours or theirs."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases:
        kind = "with a checksum" if case.details.get("covered") else "without"
        outcome = case.outcome
        if outcome in ("crashed", "hung"):
            outcome += ", ours" if case.is_ours else ", theirs"
        elif outcome == "other":
            outcome = "other results, " + ("ours" if case.is_ours else "theirs" if case.plain else "no checksum")
        counts[outcome][kind if subject == "flows" else case.details.get("base", "?")] += 1
    kinds = sorted({kind for counter in counts.values() for kind in counter})
    lines = [f"{'outcome':<28}" + "".join(f"{kind:>18}" for kind in kinds)]
    for outcome, of_kind in sorted(counts.items()):
        lines.append(f"{outcome:<28}" + "".join(f"{of_kind[kind]:>18}" for kind in kinds))
    for case in cases:
        if case.is_ours or case.outcome in ("crashed", "hung"):
            whose = "ours" if case.is_ours else "theirs"
            what = f"{case.details.get('base')}: {case.details.get('mutation')}"
            lines.append(f"case {case.number} ({what}): {case.outcome}, {whose} (alone: {case.plain}) {case.message}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subject", choices=["flows", "data"])
    parser.add_argument("--count", type=int, default=200, help="mutated files (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="another seed mutates otherwise (default: 1)")
    parser.add_argument("--limit", type=float, default=60, help="seconds for one file (default: 60)")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flashsim-fuzz-") as bases:
        os.environ["PYTHONHASHSEED"] = "0"
        cases = Fuzzer(options.subject, options.seed, Path(bases), options.limit).run(options.count)
    print(describe(cases, options.subject))
    ours = sum(case.is_ours for case in cases)
    print(f"{len(cases)} mutated {options.subject}, {time.monotonic() - start:.0f} s: {ours} faults of flashsim")
    return 1 if ours else 0


if __name__ == "__main__":
    sys.exit(main())
