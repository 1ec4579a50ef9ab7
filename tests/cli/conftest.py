import io
import os
import re
from pathlib import Path

import pytest
from cli.helpers import TINY, run

import handgrad


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(request, tmp_path, monkeypatch):
    """No data, no settings in the environment, and whatever a run chooses is undone."""
    for name in list(os.environ):
        if re.fullmatch(r"HANDGRAD_(BACKEND|DATA|ISA|NUM_THREADS)", name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    if "real_pictures" not in request.fixturenames:
        _draw_quickly(monkeypatch)
    threads = handgrad.get_num_threads()
    with handgrad.use_backend("numpy"):
        yield
    handgrad.set_num_threads(threads)


def _draw_quickly(monkeypatch):
    """Put a pixel in the place of every picture, but for the run `trained`, which was drawn before."""
    from PIL import Image

    import handgrad.viz

    pixel = io.BytesIO()
    Image.new("RGB", (1, 1)).save(pixel, "PNG")
    monkeypatch.setattr(handgrad.viz, "png", lambda figure, **_: pixel.getvalue())
    monkeypatch.setattr(handgrad.viz, "save", lambda figure, path: path.write_bytes(pixel.getvalue()))


@pytest.fixture
def real_pictures():
    """Ask for pictures to be drawn."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    with handgrad.use_backend("numpy"):
        done = run("train", *TINY, "--out", folder)
    assert done.status == 0, done
    return folder


@pytest.fixture
def pets(tmp_path):
    """A folder with a folder of images for each of two classes."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, low in (("cat", 0), ("dog", 128)):
        folder = tmp_path / "pets" / name
        folder.mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(low, low + 128, (10, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    return Path("pets")
