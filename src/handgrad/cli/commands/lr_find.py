"""``handgrad lr-find``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from handgrad.cli import assembly, config_file, machine, pictures, settings
from handgrad.cli.options import positive, takes_settings, whole
from handgrad.cli.output import Output


@takes_settings
def command(
    given: dict[str, Any],
    lowest: Annotated[
        float, typer.Option(metavar="NUMBER", parser=positive, help="Learning rate of the first step.")
    ] = 1e-6,
    highest: Annotated[
        float, typer.Option(metavar="NUMBER", parser=positive, help="Learning rate of the last step.")
    ] = 10.0,
    steps: Annotated[
        int, typer.Option(metavar="NUMBER", parser=whole(2), help="Steps, each with a higher rate.")
    ] = 100,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings in TOML; options go before them.")
    ] = None,
    out: pictures.Out = None,
    theme: pictures.Theme = "light",
    as_json: pictures.Json = False,
) -> None:
    """Suggest a learning rate: train some steps with rising rates, and draw the loss (nothing else is kept).

    Takes the settings of 'handgrad train'.
    """
    from handgrad import viz
    from handgrad.training import find_learning_rate

    picture, output = pictures.Picture("lr-find", out, theme, as_json), Output(as_json)
    settings.check(given, "lr-find")
    chosen = settings.make({**(config_file.read(config) if config else {}), **given})
    machine.choose(chosen.backend, chosen.threads)
    chosen = assembly.settle(chosen)
    parts = assembly.assemble(chosen)
    solver = assembly.solver(chosen, parts, verbose=False)
    found = find_learning_rate(solver, lowest, highest, steps)
    how = f"{chosen.update_rule}, {solver.batch_size} images a step"
    output.line(f"{parts.net} on {parts.dataset.name}, {how}")
    if found.suggestion is None:
        output.line("No suggestion: the loss fell at no rate; try another --lowest and --highest")
    else:
        output.line(f"Suggestion: --lr {found.suggestion:g} (a tenth of the rate where the loss was least)")
    numbers = {"rates": found.rates.tolist(), "losses": found.losses.tolist()}
    figure = viz.learning_rates(found, f"Loss by learning rate, {chosen.update_rule}", theme)
    picture.write(figure, "Picture", suggestion=found.suggestion, seed=chosen.seed, **numbers)
