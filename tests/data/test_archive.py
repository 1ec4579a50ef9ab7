from __future__ import annotations

import errno
import os
import tarfile

import pytest
from data.fake_cifar import NAMES, archive, batch_file, described, tar_gz

import handgrad.data.archive
from handgrad.data.archive import unpack

FILES = [(f"cifar-10-batches-py/{name}", batch_file(index, 1)) for index, name in enumerate(NAMES)]


def put(tmp_path, content: bytes):
    """Write an archive that has the size and checksum asked for."""
    (tmp_path / "inner").mkdir()
    path = tmp_path / "inner/cifar-10-python.tar.gz"
    path.write_bytes(content)
    return path, described(content)


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def device(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.devmajor, info.devminor = kind, 1, 3
    return info


TEST = "cifar-10-batches-py/test_batch"
HOSTILE = {
    "a path outside": ("../evil", b"x"),
    "a path outside from within": ("cifar-10-batches-py/../../evil", b"x"),
    "an absolute path": ("/tmp/handgrad-evil", b"x"),
    "a path with a dot": ("./cifar-10-batches-py/../../evil", b"x"),
    "another file": ("cifar-10-batches-py/evil", b"x"),
    "a file below": ("cifar-10-batches-py/test_batch/evil", b"x"),
    "a symbolic link": (link(TEST, "/etc/passwd", tarfile.SYMTYPE), b""),
    "a link of the folder": (link("cifar-10-batches-py", "..", tarfile.SYMTYPE), b""),
    "a hard link": (link(TEST, "../evil", tarfile.LNKTYPE), b""),
    "a character device": (device(TEST, tarfile.CHRTYPE), b""),
    "a block device": (device(TEST, tarfile.BLKTYPE), b""),
    "a pipe": (device(TEST, tarfile.FIFOTYPE), b""),
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("member", HOSTILE.values(), ids=HOSTILE)
def test_anything_but_the_files_is_refused(tmp_path, member, first):
    path, file = put(tmp_path, tar_gz([member, *FILES] if first else [*FILES, member]))
    with pytest.raises(ValueError, match="must hold nothing but the files of cifar-10-batches-py, got '"):
        unpack(path, file)
    assert [entry.name for entry in (tmp_path / "inner").iterdir()] == [path.name]
    assert [entry.name for entry in tmp_path.iterdir()] == ["inner"]


def test_a_good_one(tmp_path):
    path, file = put(tmp_path, archive(count=1))
    folder = unpack(path, file)
    assert folder == path.parent / "cifar-10-batches-py"
    assert (folder / "data_batch_2").read_bytes() == batch_file(1, 1)
    assert sorted(entry.name for entry in folder.iterdir()) == sorted([*NAMES, "readme.html"])
    assert folder.stat().st_mode & 0o777 == 0o755
    assert not (folder / "test_batch").stat().st_mode & 0o111


def test_what_is_there_is_left(tmp_path):
    path, file = put(tmp_path, archive(count=1))
    (unpack(path, file) / "data_batch_1").write_bytes(b"mine")
    assert (unpack(path, file) / "data_batch_1").read_bytes() == b"mine"


def test_files_are_missing(tmp_path):
    path, file = put(tmp_path, tar_gz(FILES[1:]))
    with pytest.raises(ValueError, match="must hold cifar-10-batches-py/data_batch_1, got none"):
        unpack(path, file)
    path.parent.rename(tmp_path / "first")
    path, file = put(tmp_path, tar_gz(FILES[:-1]))
    with pytest.raises(ValueError, match="must hold cifar-10-batches-py/test_batch, got none"):
        unpack(path, file)


@pytest.mark.parametrize("damage", ["truncated", "no tar", "bits"])  # with a checksum that fits
def test_a_damaged_one(tmp_path, damage):
    content = archive(count=1)
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "no tar":
        content = b"\x1f\x8b" + b"x" * 100
    else:
        content = content[:5000] + bytes(200) + content[5200:]
    path, file = put(tmp_path, content)
    with pytest.raises(
        ValueError, match=r"must be a whole tar\.gz archive, got one that is damaged|got none"
    ):
        unpack(path, file)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_another_checksum(tmp_path):
    path, file = put(tmp_path, archive(count=1))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=rf"\({file.size:,} bytes, MD5 {file.md5}\), got a damaged or other file"
    ):
        unpack(path, file)


def test_a_full_disk(tmp_path, monkeypatch):
    def full(source, target, length):
        target.write(source.read(100))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path, file = put(tmp_path, archive(count=1))
    monkeypatch.setattr(handgrad.data.archive.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match=r"inner must be a folder with room .*: No space left on device"):
        unpack(path, file)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    path, file = put(tmp_path, archive(count=1))
    monkeypatch.setattr(handgrad.data.archive.tempfile, "mkdtemp", refuse)
    with pytest.raises(OSError, match=r"to unpack cifar-10-python\.tar\.gz: Read-only file system"):
        unpack(path, file)
