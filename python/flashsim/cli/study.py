"""``flashsim study``: the studies of arXiv:2402.13684 with the project's own generator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from .errors import user_errors
from .outputs import Overwrite, check_outputs
from .train import shipped_recipe

if TYPE_CHECKING:
    from ..pairs import Pairs
    from ..studies import Study
    from ..training import FlowConfig

__all__ = ["study"]

study = typer.Typer(
    help="Studies of flows: each writes a table (.md, .json) and a picture (.png). "
    'Needs `pip install "flashsim[train,validate]"`.',
    no_args_is_help=True,
)

_Data = Annotated[list[Path], typer.Option(metavar="FILE", help="Files to train on; repeatable.", show_default=False)]
_Unseen = Annotated[
    list[Path],
    typer.Option(metavar="FILE", help="Files to judge by, never trained on; repeatable.", show_default=False),
]
_Recipe = Annotated[
    Path | None, typer.Option(metavar="CONFIG.toml", help="Recipe.", show_default="that of the shipped flow")
]
_Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for all output.")]
_Budget = Annotated[int, typer.Option(min=1, help="Rows of each training, over all its epochs.")]
_Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="torch's own")]
_Flow = Annotated[str, typer.Argument(metavar="FLOW", help="ONNX file, or the name of a shipped flow.")]
_Rows = Annotated[int | None, typer.Option(min=1000, help="Pairs to judge by.", show_default="all")]

_PROGRESS = Console(stderr=True)


def _tell(message: str) -> None:
    _PROGRESS.print(message, style="dim", highlight=False)


def _check(name: str, out: Path, overwrite: bool, endings: tuple[str, ...] = ("md", "json", "png")) -> None:
    remedy = "Choose another folder with --out, or replace the files with --overwrite."
    check_outputs([out / f"{name}.{ending}" for ending in endings], overwrite=overwrite, remedy=remedy)


def _show(result: Study, out: Path) -> None:
    Console().print(result.table())
    typer.echo(f"written: {out / result.name}.md, .json and .png")


def _config(recipe: Path | None) -> FlowConfig:
    from ..training import load_config

    return load_config(recipe or shipped_recipe())


def _pairs(files: list[Path], config: FlowConfig, rows: int | None = None) -> Pairs:
    from ..training import read_pairs

    pairs = read_pairs(files, config)
    return pairs if rows is None else pairs.head(rows)


@study.command()
def families(
    data: _Data,
    unseen: _Unseen,
    recipe: _Recipe = None,
    out: _Out = Path("studies"),
    budget: _Budget = 10_000_000,
    pairs: Annotated[int | None, typer.Option(min=100, help="Pairs to train on.", show_default="all")] = None,
    rows: _Rows = None,
    threads: _Threads = None,
    overwrite: Overwrite = False,
) -> None:
    """Families of flows against metrics, at an equal training budget: flow matching, affine and spline couplings."""
    with user_errors():
        _check("families", out, overwrite)
        from ..studies import compare_families

        config = _config(recipe)
        train_on, judge_by = _pairs(data, config, pairs), _pairs(unseen, config, rows)
        result = compare_families(config, train_on, judge_by, out, budget=budget, threads=threads, tell=_tell)
    _show(result, out)


@study.command()
def processes(
    flow: _Flow,
    data: Annotated[
        list[str],
        typer.Option(
            metavar="LABEL=A.root,B.root",
            help="Files of a process; repeatable, the reference first.",
            show_default=False,
        ),
    ],
    out: _Out = Path("studies"),
    rows: _Rows = None,
    overwrite: Overwrite = False,
) -> None:
    """Generalisation: a flow on other processes than its training sample, without retraining."""
    with user_errors():
        _check("processes", out, overwrite, ("md", "json", "png", "html"))
        from ..studies import compare_processes
        from ..validation import write_report

        samples = dict(map(_named_files, data))
        result, validations = compare_processes(flow, samples, out, rows=rows, tell=_tell)
        write_report(validations, out / f"{result.name}.html")
    _show(result, out)


def _named_files(text: str) -> tuple[str, list[str]]:
    name, separator, files = text.partition("=")
    if not (name and separator and files):
        raise ValueError(f"--data {text!r}: expected LABEL=A.root or LABEL=A.root,B.root.")
    return name, files.split(",")


@study.command("training-size")
def training_size(
    data: _Data,
    unseen: _Unseen,
    recipe: _Recipe = None,
    out: _Out = Path("studies"),
    size: Annotated[
        list[int] | None,
        typer.Option(min=100, help="Pairs to train on; repeatable.", show_default="10 000 to 1 000 000"),
    ] = None,
    budget: _Budget = 10_000_000,
    rows: _Rows = None,
    threads: _Threads = None,
    overwrite: Overwrite = False,
) -> None:
    """Metrics against the number of pairs in the training sample, with the same number of training steps."""
    with user_errors():
        _check("training-size", out, overwrite)
        from ..studies import compare_sizes
        from ..studies.training_size import SIZES

        config = _config(recipe)
        train_on, judge_by = _pairs(data, config), _pairs(unseen, config, rows)
        wanted = tuple(size or SIZES)
        result = compare_sizes(
            config, train_on, judge_by, out, sizes=wanted, budget=budget, threads=threads, tell=_tell
        )
    _show(result, out)


@study.command()
def steps(
    flow: _Flow,
    unseen: _Unseen,
    out: _Out = Path("studies"),
    rows: _Rows = None,
    overwrite: Overwrite = False,
) -> None:
    """ODE accuracy: metrics and sampling rate of a continuous flow against solver and number of steps."""
    with user_errors():
        _check("steps", out, overwrite)
        from ..studies import compare_steps

        result = compare_steps(flow, unseen, out, rows=rows, tell=_tell)
    _show(result, out)


@study.command("w-mass")
def w_mass(
    data: Annotated[list[Path], typer.Option(metavar="FILE", help="tt̄ events; repeatable.", show_default=False)],
    flow: Annotated[str, typer.Option(metavar="FLOW", help="ONNX file, or the name of a shipped flow.")] = "jets",
    out: _Out = Path("studies"),
    events: Annotated[int, typer.Option(min=100, help="GEN events of the small sample.")] = 10_000,
    fold_size: Annotated[int, typer.Option(min=2, help="RECO events of each.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the flow's noise.")] = 1,
    overwrite: Overwrite = False,
) -> None:
    """The W-mass pseudo-analysis: few target events, ten times more, and ten RECO events of each of the few."""
    with user_errors():
        _check("w-mass", out, overwrite)
        from ..studies import compare_statistics

        result = compare_statistics(flow, data, out, events=events, fold_size=fold_size, seed=seed, tell=_tell)
    _show(result, out)
