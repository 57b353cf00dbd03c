"""``python -m flashsim.cli``, where the command ``flashsim`` is not on the path."""

from __future__ import annotations

from . import app

app(prog_name="flashsim")
