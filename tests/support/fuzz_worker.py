"""A process that uses mutated files, one after the other, and reports before and after each.

python tests/support/fuzz_worker.py flows ours SEED BASES NUMBER ...
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import tempfile
from pathlib import Path

import ROOT

_MEMORY = 12 * 2**30  # bytes of address space; a mutated size must not take the machine down


def main(subject_name: str, way: str, seed: str, bases: str, *numbers: str) -> None:
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    subject = importlib.import_module(f"fuzz_{subject_name}")
    ROOT.gSystem.ResetSignals()  # ROOT's own handlers trace the stack with a debugger, for minutes
    if way == "prepare":
        subject.prepare(Path(bases))
        return
    use = subject.use if way == "ours" else subject.use_plain
    for number in numbers:
        with tempfile.TemporaryDirectory(prefix="flashsim-fuzz-") as folder:
            case = subject.make(int(number), int(seed), Path(bases), Path(folder))
            print(json.dumps({"begin": int(number), **case}), file=reports)
            try:
                outcome, message = ("right" if use(case) else "other"), ""
            except Exception as error:
                is_refusal = not subject.REFUSALS or type(error).__name__ in subject.REFUSALS
                outcome, message = ("refused" if is_refusal else "odd error"), f"{type(error).__name__}: {error}"
            print(json.dumps({"end": int(number), "outcome": outcome, "message": message[:300]}), file=reports)


if __name__ == "__main__":
    main(*sys.argv[1:])
    # Without the destructors of objects from damaged files.
    os._exit(0)
