"""The archive of CIFAR-10: what it must be, and how it is unpacked without trusting it."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = "cifar-10-batches-py"
TRAIN_FILES = tuple(f"data_batch_{k}" for k in range(1, 6))
TEST_FILE = "test_batch"
_MEMBERS = {f"{FOLDER}/{name}" for name in (*TRAIN_FILES, TEST_FILE, "batches.meta", "readme.html")}


@dataclass(frozen=True)
class RemoteFile:
    """A file that is to be downloaded.

    Attributes
    ----------
    name : str
        File name.
    size : int
        Bytes.
    md5 : str
        Checksum, 32 hexadecimal digits. It tells a damaged or wrong file; every byte of a right one is known,
        so that transfers from different mirrors can go on from each other.
    """

    name: str
    size: int
    md5: str


CIFAR10 = RemoteFile("cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a")


@contextmanager
def storage(doing: str, folder: Path) -> Iterator[None]:
    """Turn a failure of the disk into one sentence.

    Raises
    ------
    OSError
        Saying what could not be done, where, and why: no space, no permission, read-only.
    """
    try:
        yield
    except OSError as error:
        raise OSError(
            f"{folder} must be a folder with room that can be written, to {doing}: {error.strerror}"
        ) from None


def md5_of(path: Path) -> str:
    """Return the MD5 checksum of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def is_complete(folder: Path) -> bool:
    """Whether `folder` holds CIFAR-10's batches.

    Raises
    ------
    FileNotFoundError
        When it holds the first batch, and not all of them.
    """
    if not (folder / TRAIN_FILES[0]).is_file():
        return False
    for name in (*TRAIN_FILES, TEST_FILE):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} must hold all batches of CIFAR-10, got none named {name}")
    return True


def unpack(archive: Path, file: RemoteFile = CIFAR10) -> Path:
    """Unpack an archive of CIFAR-10 into the folder that it lies in.

    Nothing is unpacked by the names in the archive: of the expected members the content is copied, into a
    temporary folder that gets its name when it is whole.

    Parameters
    ----------
    archive : pathlib.Path
    file : RemoteFile
        What the archive must be.

    Returns
    -------
    pathlib.Path
        The folder cifar-10-batches-py beside the archive; one that is there already is left as it is.

    Raises
    ------
    ValueError
        When the checksum is another, or the archive holds anything but the expected files: a path outside
        the folder, a link, a device.
    OSError
        When the folder cannot be written or is full.
    """
    parent = archive.parent
    if is_complete(parent / FOLDER):
        return parent / FOLDER
    size = archive.stat().st_size
    if size != file.size or md5_of(archive) != file.md5:
        raise ValueError(
            f"{archive} must be the official archive ({file.size:,} bytes, MD5 {file.md5}), got a damaged or "
            f"other file of {size:,} bytes: remove it"
        )
    with storage(f"unpack {archive.name}", parent):
        temporary = Path(tempfile.mkdtemp(prefix=f".{FOLDER}-", dir=parent))
    try:
        _copy_members(archive, temporary)
        with storage(f"unpack {archive.name}", parent):
            temporary.chmod(0o755)  # mkdtemp made it private
            temporary.rename(parent / FOLDER)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return parent / FOLDER


def _copy_members(archive: Path, folder: Path) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                _copy_member(archive, tar, member, folder)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{archive} must be a whole tar.gz archive, got one that is damaged: {error}"
        ) from None
    for name in (*TRAIN_FILES, TEST_FILE):
        if not (folder / name).is_file():
            raise ValueError(f"{archive} must hold {FOLDER}/{name}, got none")


def _copy_member(archive: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    if member.isdir() and member.name.rstrip("/") == FOLDER:
        return
    content = tar.extractfile(member) if member.isreg() and member.name in _MEMBERS else None
    if content is None:
        raise ValueError(f"{archive} must hold nothing but the files of {FOLDER}, got {member.name!r}")
    with (
        storage(f"unpack {archive.name}", folder.parent),
        open(folder / Path(member.name).name, "wb") as copy,
    ):
        shutil.copyfileobj(content, copy, 2**20)
