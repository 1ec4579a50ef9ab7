"""An option of the command line for each setting."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Annotated, Any

import typer

from handgrad.cli.kinds import NUMBERS, SWITCH
from handgrad.cli.settings import ABOUT, About, Settings


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting; those that are used reach it as the dict `given`."""

    @functools.wraps(command)
    def with_options(**values: Any) -> None:
        texts = {name: values.pop(name) for name in ABOUT}
        # An option that was not used is None, or an empty list where it may be repeated.
        given = {name: _value(name, text) for name, text in texts.items() if text not in (None, [])}
        command(given=given, **values)

    own = inspect.signature(command, eval_str=True).parameters.values()
    parameters = [*(each for each in own if each.name != "given"), *_parameters()]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_options


def option(name: str) -> str:
    """Return the option of a setting, the shorter one where there are two."""
    return ABOUT[name].also or _long(name)


def _parameters() -> list[inspect.Parameter]:
    default = Settings()
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[_type(about), _typer_option(name, about, getattr(default, name))],
        )
        for name, about in ABOUT.items()
    ]


def _type(about: About) -> Any:
    # Texts, which `_value` reads: typer's versions refuse in words of their own, some without what came.
    return {SWITCH: bool | None, NUMBERS: list[str] | None}.get(about.kind, str | None)


def _typer_option(name: str, about: About, default: Any) -> Any:
    long = _long(name)
    return typer.Option(
        f"{long}/--no-{long[2:]}" if about.kind is SWITCH else long,
        *([about.also] if about.also else []),
        help=about.help if default in (None, {}) else f"{about.help} (default: {_text(default)})",
        rich_help_panel=about.group,
        show_default=False,
        metavar=about.kind.shown or None,
    )


def _long(name: str) -> str:
    return "--" + name.replace("_", "-")


def _text(default: Any) -> str:
    if isinstance(default, bool):
        return "no" if not default else "yes"
    return ",".join(map(str, default)) if isinstance(default, list) else str(default)


def _value(name: str, given: Any) -> Any:
    """Return what the text of an option stands for."""
    kind = ABOUT[name].kind
    if kind is SWITCH:
        return given
    text = ",".join(given) if isinstance(given, list) else given
    try:
        return kind.read(text)
    except ValueError:
        raise typer.BadParameter(f"it must be {kind.words}, got {text!r}", param_hint=option(name)) from None


def whole(least: int = 1, most: int | None = None) -> Callable[[Any], int]:
    """Return a reader of whole numbers, for ``typer.Option(parser=...)``; typer's own hides what came."""
    rule = f"of {least} or more" if most is None else f"from {least} to {most}"

    def read(text: Any) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or number < least or (most is not None and number > most):
            raise typer.BadParameter(f"it must be a whole number {rule}, got {str(text)!r}")
        return number

    return read


def positive(text: Any) -> float:
    """Return a number above 0, for ``typer.Option(parser=...)``."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise typer.BadParameter(f"it must be a number above 0, got {str(text)!r}")
    return number


Threads = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", parser=whole(), help="Threads of native kernels (default: one a core)."),
]
