"""``flashsim config``: where C++ finds the library, its headers and ONNX Runtime."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .errors import fail, user_errors

__all__ = ["config"]

_PACKAGE = Path(__file__).resolve().parents[1]


def config(
    include_dir: Annotated[bool, typer.Option("--include-dir", help="Folder of the headers.")] = False,
    lib_dir: Annotated[bool, typer.Option("--lib-dir", help="Folder of libFlashSim.so.")] = False,
    data_dir: Annotated[bool, typer.Option("--data-dir", help="Folder of the shipped flow and sample.")] = False,
    onnxruntime: Annotated[bool, typer.Option("--onnxruntime", help="The ONNX Runtime library.")] = False,
    root_macro: Annotated[bool, typer.Option("--root-macro", help="First lines of a ROOT macro.")] = False,
    shell: Annotated[
        bool, typer.Option("--shell", help='Lines for the shell: `eval "$(flashsim config --shell)"`.')
    ] = False,
) -> None:
    """Print the paths that C++ users need: all of them, or a single one for scripts."""
    answers: dict[str, tuple[bool, Callable[[], str]]] = {
        "--include-dir": (include_dir, lambda: str(_folder("include"))),
        "--lib-dir": (lib_dir, lambda: str(_folder("lib"))),
        "--data-dir": (data_dir, lambda: str(_folder("data"))),
        "--onnxruntime": (onnxruntime, lambda: str(_onnxruntime())),
        "--root-macro": (root_macro, _root_macro),
        "--shell": (shell, _shell),
    }
    wanted = [option for option, (is_wanted, _) in answers.items() if is_wanted]
    if len(wanted) > 1:
        raise fail(f"{' and '.join(wanted)} exclude each other: give one of them, or none to print all paths.")
    with user_errors():
        if wanted:
            typer.echo(answers[wanted[0]][1]())
            return
        for option in ("--include-dir", "--lib-dir", "--data-dir", "--onnxruntime"):
            typer.echo(f"{option:<14} {answers[option][1]()}")


def _folder(name: str) -> Path:
    folder = _PACKAGE / name
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: flashsim must be installed, not run from its sources.")
    return folder


def _onnxruntime() -> Path:
    from .._library import onnxruntime_library

    library = onnxruntime_library()
    if library is None:
        raise FileNotFoundError("there is no ONNX Runtime in this Python environment: pip install onnxruntime")
    return library


def _root_macro() -> str:
    return "\n".join(
        (
            f"R__ADD_INCLUDE_PATH({_folder('include')})",
            f"R__ADD_LIBRARY_PATH({_folder('lib')})",
            "R__LOAD_LIBRARY(libFlashSim.so)",
            f'// before the first flow: FlashSim::SetOnnxRuntimeLibrary("{_onnxruntime()}");',
        )
    )


def _shell() -> str:
    include, library, data = (shlex.quote(str(_folder(name))) for name in ("include", "lib", "data"))
    return "\n".join(
        (
            f'export ROOT_INCLUDE_PATH={include}"${{ROOT_INCLUDE_PATH:+:$ROOT_INCLUDE_PATH}}"',
            f'export LD_LIBRARY_PATH={library}"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"',
            f"export FLASHSIM_ONNXRUNTIME={shlex.quote(str(_onnxruntime()))}",
            f"export FLASHSIM_DATA={data}",
        )
    )
