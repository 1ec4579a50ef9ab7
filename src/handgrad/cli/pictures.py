"""What the commands that draw have in common: their options, and where the picture goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad._errors import nearest
from handgrad.cli import machine, run_folder
from handgrad.cli.output import Output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=".png, .svg or .pdf (default: the command's name, .png)."),
]
Theme = Annotated[str, typer.Option(metavar="NAME", help="light or dark")]
Json = Annotated[bool, typer.Option("--json", help="Print the result alone, as JSON.")]


def opened(path: Path) -> tuple[run_folder.RunFolder, run_folder.TrainedNet]:
    """Return a run and its net, computed as the run was."""
    folder = run_folder.existing(path)
    chosen = folder.settings()
    machine.choose(chosen.backend, chosen.threads)
    return folder, run_folder.TrainedNet(folder)


class Picture:
    """Where a picture goes, refused before anything is computed for it.

    Parameters
    ----------
    name : str
        Of the command; its file is NAME.png where none is given.
    out : Path or None
    theme : str
    as_json : bool

    Raises
    ------
    ValueError, FileNotFoundError
        When nothing can be drawn with them.
    """

    def __init__(self, name: str, out: Path | None, theme: str, as_json: bool) -> None:
        from handgrad.viz.figures import check_theme

        self.path = Path(f"{name}.png") if out is None else out
        self.theme = check_theme(theme)
        self._output = Output(as_json)
        if self.path.suffix not in SUFFIXES:
            raise ValueError(f"out must end in .png, .svg or .pdf, got '{self.path}'")
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"out must lie in a folder that is there, got '{self.path}'")
        if self.path.is_dir():
            raise ValueError(f"out must name a file, but '{self.path}' is a folder")

    def keep_off(self, images: list[Path]) -> None:
        """Refuse to write over an image that is to be looked at."""
        for image in images:
            if self.path.exists() and image.exists() and self.path.samefile(image):
                raise ValueError(f"out must not be one of the images, got '{self.path}'")

    def write(self, figure: Figure, what: str, **facts: Any) -> None:
        """Write the figure, whole or not at all, over an older picture of that name, and say so."""
        from handgrad import viz

        viz.save(figure, self.path)
        self._output.line(f"{what}: {self.path}")
        self._output.result({"path": str(self.path), **facts})


def known(what: str, name: str, names: list[str]) -> int:
    """Return the place of a name in a list.

    Raises
    ------
    ValueError
        Naming the nearest one that is there.
    """
    if name not in names:
        raise ValueError(f"there is no {what} {name!r}{nearest(name, names)}")
    return names.index(name)
