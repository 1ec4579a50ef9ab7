"""``handgrad train``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli import assembly, config_file, errors, machine, run_folder, settings
from handgrad.cli.options import option, takes_settings
from handgrad.cli.output import Output

if TYPE_CHECKING:
    from handgrad.cli.run_folder import RunFolder
    from handgrad.cli.settings import Settings
    from handgrad.training import Solver

# What may change in a run that goes on: nothing that its numbers depend on, but its length.
_MAY_CHANGE = ("num_epochs", "print_every", "checkpoint_every", "path", "tensorboard", "background")


@takes_settings
def command(
    given: dict[str, Any],
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings in TOML; options go before them.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The run's folder (default: runs/DATA-DATE-TIME)."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Go on with a run that was stopped, or longer with --epochs."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result alone, as JSON.")] = False,
) -> None:
    """Train a network; leave curves, filters, a checkpoint and a report in a run folder.

    Without options: ThreeLayerConvNet, on CIFAR-10 where it is on disk, else on drawn shapes. With --spec any
    network: --spec '[conv3-64 - bn - relu - pool2]x3 - affine'.
    """
    output = Output(as_json)
    if resume is not None:
        _resume(resume, given, config, out, output)
        return
    settings.check(given, "train")
    chosen = settings.make({**(config_file.read(config) if config else {}), **given})
    machine.choose(chosen.backend, chosen.threads)
    left_open = chosen.data == "auto"
    chosen = assembly.settle(chosen)
    path = out or run_folder.name_new(chosen.data)
    run_folder.check_new(path)
    parts = assembly.assemble(chosen)
    with run_folder.begun(path) as run:
        solver = _solver(run, chosen, parts, output)
        chosen = assembly.as_run(chosen, parts, solver)
        config_file.write(run.config, chosen)
        run.write_facts(_facts(parts))
    with _stoppable(run, solver):
        _introduce(run, chosen, parts, output, left_open)
        _train(run, chosen, parts, solver, output)


def _resume(path: Path, given: dict[str, Any], config: Path | None, out: Path | None, output: Output) -> None:
    if config or out:
        raise ValueError(f"--resume goes on with the settings of '{path}': leave --config and --out away")
    for name in given:
        if name not in _MAY_CHANGE:
            raise ValueError(f"{option(name)} cannot change in a run that goes on; start a new one")
    run = run_folder.existing(path)
    chosen = replace(run.settings(), **given)
    machine.choose(chosen.backend, chosen.threads)
    parts = assembly.assemble(chosen)
    solver = _solver(run, chosen, parts, output, resume=True)
    config_file.write(run.config, chosen)
    run.write_facts(_facts(parts))
    with _stoppable(run, solver):
        _introduce(run, chosen, parts, output)
        output.line(f"Going on after {solver.iteration:,} of {solver.num_iterations:,} steps")
        _train(run, chosen, parts, solver, output)


def _solver(
    run: RunFolder, chosen: Settings, parts: assembly.Parts, output: Output, resume: bool = False
) -> Solver:
    from handgrad.training import logging

    loggers: list[Any] = [logging.JsonLines(run.log)]
    if chosen.tensorboard:
        loggers.append(logging.TensorBoard(run.events))
    has_bar = sys.stderr.isatty() and (output.as_json or sys.stdout.isatty())
    return assembly.solver(
        chosen,
        parts,
        checkpoint_name=run.checkpoint,
        resume=resume,
        logger=loggers,
        progress=has_bar,
        verbose=not has_bar and not output.as_json,
    )


def _facts(parts: assembly.Parts) -> dict[str, Any]:
    dataset = parts.dataset
    return {
        "data": {
            "name": dataset.name,
            "class_names": list(dataset.class_names),
            "input_dim": list(dataset.input_dim),
            "images": {part: len(parts.arrays[f"y_{part}"]) for part in ("train", "val", "test")},
        },
        "machine": machine.facts(),
    }


def _introduce(
    run: RunFolder, chosen: Settings, parts: assembly.Parts, output: Output, left_open: bool = False
) -> None:
    train, val, test = (len(parts.arrays[f"y_{part}"]) for part in ("train", "val", "test"))
    side = "x".join(map(str, parts.dataset.input_dim[1:]))
    numbers = sum(w.size for w in parts.net.params.values())
    output.line(
        f"Data:  {parts.dataset.name}, {train:,} training, {val:,} validation, {test:,} test images {side}"
    )
    if left_open and chosen.data == "shapes":
        output.line(f"       CIFAR-10 is not on disk: {assembly.GET_CIFAR10}")
    if left_open and chosen.data == "cifar10":
        output.line("       found on disk; for the drawn shapes: handgrad train --data shapes")
    output.line(f"Net:   {parts.net}, {numbers:,} parameters in {chosen.dtype}, seed {chosen.seed}")
    output.line(f"Run:   {run}")


def _train(run: RunFolder, chosen: Settings, parts: assembly.Parts, solver: Solver, output: Output) -> None:
    import numpy as np

    from handgrad.cli import report, results

    # The Solver ends a run whose numbers overflow, with advice; NumPy need not warn of it as well.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        solver.train()
    result = report.write(run, chosen, parts)
    output.line()
    output.table(["", ""], results.figures(result))
    output.line()
    output.line(result["verdict"])
    output.line(f"Report: {run.report}")
    output.result({"run": str(run), **run.read_facts()})


@contextmanager
def _stoppable(run: RunFolder, solver: Solver) -> Iterator[None]:
    """Say how to go on, where the run is stopped or the disk is full; SIGTERM is taken for a Ctrl-C."""
    from handgrad.training import interrupts

    go_on = f"go on with 'handgrad train --resume {run}'"
    before = signal.signal(signal.SIGTERM, interrupts.interrupt)
    try:
        yield
    except KeyboardInterrupt:
        at = f"stopped at step {solver.iteration:,} of {solver.num_iterations:,}"
        raise errors.Stopped(f"{at}; {go_on}", errors.INTERRUPTED) from None
    except OSError as error:
        status = errors.PIPE_CLOSED if isinstance(error, BrokenPipeError) else errors.FAILED
        raise errors.Stopped(f"{errors.sentence(error)}; {go_on}", status) from error
    finally:
        signal.signal(signal.SIGTERM, before)
