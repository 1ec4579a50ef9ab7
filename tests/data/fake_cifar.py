"""Files in the official format of CIFAR-10, with few images."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile

import numpy as np

from handgrad.data.archive import CIFAR10, RemoteFile

NAMES = [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]


def py2_str(value: bytes) -> bytes:
    return (
        b"U" + bytes([len(value)]) + value
        if len(value) < 256
        else b"T" + struct.pack("<i", len(value)) + value
    )


def py2_array(array: np.ndarray) -> bytes:
    shape = b"".join(b"M" + struct.pack("<H", n) for n in array.shape)
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + (shape + b"\x86" if array.ndim == 2 else b"(" + shape + b"t")
        + b"cnumpy\ndtype\n" + py2_str(array.dtype.str[1:].encode())
        + b"K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + py2_str(array.tobytes()) + b"tb"
    )  # fmt: skip


def py2_pickle(value: object) -> bytes:
    """What Python 2 wrote for it, without the first two bytes and the last one."""
    if isinstance(value, dict):
        return b"}(" + b"".join(py2_pickle(part) for pair in value.items() for part in pair) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(py2_pickle, value)) + b"e"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, bytes):
        return py2_str(value)
    return py2_array(value)


def py2_file(value: object) -> bytes:
    return b"\x80\x02" + py2_pickle(value) + b"."


def batch(index: int, count: int = 20) -> tuple[np.ndarray, list[int]]:
    rng = np.random.default_rng([7, index])
    return rng.integers(0, 256, size=(count, 3072), dtype=np.uint8), rng.integers(0, 10, count).tolist()


def batch_file(index: int, count: int = 20) -> bytes:
    data, labels = batch(index, count)
    filenames = [b"image_%d.png" % k for k in range(count)]
    return py2_file({b"batch_label": b"batch", b"labels": labels, b"data": data, b"filenames": filenames})


def write_batches(folder, count: int = 20) -> None:
    folder.mkdir(parents=True)
    for index, name in enumerate(NAMES):
        (folder / name).write_bytes(batch_file(index, count))


def tar_gz(members: list[tuple[tarfile.TarInfo | str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def archive(count: int = 2) -> bytes:
    directory = tarfile.TarInfo("cifar-10-batches-py")
    directory.type = tarfile.DIRTYPE
    files = [(f"cifar-10-batches-py/{name}", batch_file(index, count)) for index, name in enumerate(NAMES)]
    return tar_gz([(directory, b""), *files, ("cifar-10-batches-py/readme.html", b"<html>")])


def described(content: bytes) -> RemoteFile:
    """What `content` must be when it arrives, under the name of the archive."""
    return RemoteFile(CIFAR10.name, len(content), hashlib.md5(content).hexdigest())
