"""The commands, put together, and run so that every error is a sentence and a status."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from handgrad._version import __version__
from handgrad.cli import errors
from handgrad.cli.commands import (
    bench,
    check,
    data,
    doctor,
    evaluate,
    explain,
    info,
    lr_find,
    notebook,
    predict,
    show,
    show_results,
    train,
)

app = typer.Typer(
    name="handgrad",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Carried(Exception):
    """Brings an error past typer, which has ways of its own with some."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _carrying(command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
            sys.stdout.flush()
        except (typer.Exit, typer.BadParameter):
            raise
        except (Exception, KeyboardInterrupt) as error:
            raise _Carried(error) from error

    return run


app.command("train")(_carrying(train.command))
app.command("evaluate")(_carrying(evaluate.command))
app.command("predict")(_carrying(predict.command))
app.command("lr-find")(_carrying(lr_find.command))
app.command("explain")(_carrying(explain.command))
app.command("bench")(_carrying(bench.command))
app.command("check")(_carrying(check.command))
app.command("doctor")(_carrying(doctor.command))

show_app = typer.Typer(help="Draw what a trained net is and does.", no_args_is_help=True)
show_app.command("filters")(_carrying(show.filters))
show_app.command("activations")(_carrying(show.activations))
show_app.command("saliency")(_carrying(show.saliency))
show_app.command("gradcam")(_carrying(show.gradcam))
show_app.command("curves")(_carrying(show_results.curves))
show_app.command("confusion")(_carrying(show_results.confusion))
show_app.command("mistakes")(_carrying(show_results.mistakes))
show_app.command("convolution")(_carrying(show_results.convolution))
app.add_typer(show_app, name="show")

data_app = typer.Typer(help="Tell where data is, download CIFAR-10, show the drawn shapes.")
data_app.command("status")(_carrying(data.status))
data_app.command("download")(_carrying(data.download))
data_app.command("shapes")(_carrying(data.shapes))
app.add_typer(data_app, name="data")

notebook_app = typer.Typer(help="Run the notebooks of courses.", no_args_is_help=True)
notebook_app.command("run")(_carrying(notebook.run))
app.add_typer(notebook_app, name="notebook")

app.command("info")(_carrying(info.command))


@data_app.callback(invoke_without_command=True)
def _data(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        _carrying(data.status)()


def _version(wanted: bool) -> None:
    if wanted:
        print(f"handgrad {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; goes anywhere in the line.")
    ] = False,
) -> None:
    """Train convolutional networks with hand-written gradients."""


def _mark_switches(command: Any) -> None:
    """Let help show no '<bool>' behind options that take no value."""
    for option in command.params:
        if getattr(option, "is_flag", False) and option.metavar is None:
            option.metavar = ""
    for inner in getattr(command, "commands", {}).values():
        _mark_switches(inner)


def run(args: Sequence[str]) -> int:
    """Run the command line `args` and return its exit status."""
    debug = "--debug" in args
    command = typer.main.get_command(app)
    _mark_switches(command)
    try:
        words = [word for word in args if word != "--debug"]
        return int(command.main(words, prog_name="handgrad", standalone_mode=False) or 0)
    except _Carried as carried:
        return errors.report(carried.error, debug)
    except Exception as error:
        if hasattr(error, "format_message"):
            return errors.report_misuse(error)
        return errors.report(error, debug)
