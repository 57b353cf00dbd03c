"""``flashsim validate``: how well a flow reproduces its target."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from .errors import user_errors
from .outputs import Overwrite, check_outputs

if TYPE_CHECKING:
    from ..validation import Validation

__all__ = ["validate"]


def validate(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FLOW", help="ONNX file, or a shipped flow such as jets.", show_default=False),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A.root B.root ...",
            help="Files with GEN and RECO objects, or LABEL=A.root,B.root, once for each sample.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for report.html and validation.json.")] = Path("validation"),
    label: Annotated[str, typer.Option(help="Name of the sample in table and report.", show_default=False)] = "",
    rows: Annotated[
        int | None, typer.Option(min=1, help="Objects of each sample to use.", show_default="all of them")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of noise, splits and classifier.")] = 1,
    steps: Annotated[int | None, typer.Option(min=1, help="ODE steps.", show_default="the flow's own")] = None,
    repeat: Annotated[int, typer.Option(min=2, help="Random splits.")] = 10,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=LIMIT",
            help="Exit with status 1 if the metric, or one of its family, is larger: c2st=0.03, ks=0.02, "
            "wasserstein/pt=0.03; frechet=3x means three times its noise floor.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare a flow with the RECO objects of unseen files.

    `flashsim validate jets --data a.root b.root --out report`, or, for several samples in one report,
    `flashsim validate jets --data ttbar=a.root,b.root --data QCD=c.root`. Needs `pip install "flashsim[validate]"`.
    """
    console = Console()
    with user_errors():
        flow, samples = _arguments(files, data or [], label)
        read = [path for paths in samples.values() for path in paths]
        _check_files(read)
        report, numbers = out / "report.html", out / "validation.json"
        remedy = "Choose another folder with --out, or replace the files with --overwrite."
        check_outputs([report, numbers], [flow, *read], overwrite=overwrite, remedy=remedy)
        from ..validation import Requirement, broken, write_json, write_report
        from ..validation import validate as run

        requirements = [Requirement.parse(text) for text in require or []]
        found = []
        for name, paths in samples.items():
            with Console(stderr=True).status(f"validating {name}".rstrip()) as status:
                tell = status.update
                found.append(
                    run(flow, paths, rows=rows, seed=seed, steps=steps, repeat=repeat, label=name, progress=tell)
                )
            console.print(found[-1].table())
            for line in _remarks(found[-1]):
                console.print(line, markup=False, highlight=False)
        out.mkdir(parents=True, exist_ok=True)
        write_json(found, numbers)
        with Console(stderr=True).status("drawing"):
            write_report(found, report)
        typer.echo(f"{report} and {numbers} written.")
        failures = [line for validation in found for line in broken(validation, requirements)]
    for line in failures:
        Console(stderr=True, soft_wrap=True).print(f"required: {line}", markup=False, highlight=False)
    if failures:
        raise typer.Exit(1)


def _arguments(files: list[str], data: list[str], label: str) -> tuple[str, dict[str, list[str]]]:
    """The flow, and the files of each sample by label.

    An option takes one value: further files after --data arrive as arguments.
    """
    flows = [file for file in files if not file.endswith(".root")]
    loose = [file for file in files if file.endswith(".root")]
    if len(flows) != 1:
        raise ValueError(f"expected one flow, found {len(flows)}{': ' if flows else ''}{', '.join(flows)}.")
    labelled = [_labelled(entry) for entry in data]
    plain = [entry for name, entry in labelled if not name]
    if not data:
        raise ValueError("no data to compare with: name one or more ROOT files after --data.")
    if len(plain) == len(data):
        return flows[0], {label: [*plain, *loose]}
    if plain or loose or label:
        what = "--label" if label else ", ".join([*plain, *loose])
        raise ValueError(f"{what}: several samples need labels: --data LABEL=A.root,B.root for each.")
    samples: dict[str, list[str]] = {}
    for name, entry in labelled:
        samples.setdefault(name, []).extend(filter(None, entry.split(",")))
    return flows[0], samples


def _check_files(paths: Iterable[str]) -> None:
    """Raises FileNotFoundError before the first sample is validated."""
    missing = [path for path in paths if "://" not in path and not Path(path).is_file()]
    if missing:
        raise FileNotFoundError(f"no such file: {', '.join(missing)}.")


def _labelled(entry: str) -> tuple[str, str]:
    name, equals, rest = entry.partition("=")
    return (name, rest) if equals and "/" not in name else ("", entry)


def _remarks(validation: Validation) -> list[str]:
    lines = list(validation.notes)
    lines += [f"left out of the data: {reason}: {count} rows" for reason, count in validation.dropped.items()]
    lines += [f"samples outside the declared range: {name}: {count} rows" for name, count in validation.outside.items()]
    return lines
