"""A few of the mutated files that tests/support/fuzz.py makes by the thousand."""

from __future__ import annotations

import pytest

import fuzz


@pytest.mark.slow
@pytest.mark.parametrize(("subject", "count"), [("flows", 60), ("data", 8)])
def test_mutated_files_do_no_harm(subject, count, capsys):
    status = fuzz.main([subject, "--count", str(count), "--seed", "7"])
    table = capsys.readouterr().out
    assert status == 0, table
    assert f"{count} mutated {subject}" in table
    assert "refused" in table
