"""The Python examples of the README and of docs/histograms.md run as they stand, block after block."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/histograms.md"])
def test_examples(page, tmp_path):
    code = "\n".join(re.findall(r"```python\n(.*?)```", (PROJECT / page).read_text(encoding="utf-8"), re.DOTALL))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Error in" not in done.stderr
    assert len(re.findall(r"\d+\.\d+", done.stdout)) >= 3
