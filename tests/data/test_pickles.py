from __future__ import annotations

import contextlib
import copyreg
import os
import pickle
import struct

import numpy as np
import pytest
from data.fake_cifar import batch_file, py2_file, py2_pickle, py2_str

from handgrad.data.pickles import UnsafePickleError, load_arrays


def write(path, content: bytes):
    path.write_bytes(content)
    return path


def call(module: str, name: str, *arguments: bytes) -> bytes:
    """The opcodes of module.name(*arguments)."""
    return b"c%s\n%s\n(" % (module.encode(), name.encode()) + b"".join(arguments) + b"tR"


@pytest.mark.parametrize("protocol", range(5))
def test_python_3_writes_what_can_be_read(tmp_path, protocol):
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    value = {b"data": array, b"labels": [1, 2], "text": "x", b"bytes": b"y"}
    got = load_arrays(write(tmp_path / "file", pickle.dumps(value, protocol)))
    np.testing.assert_array_equal(got.pop(b"data"), array)
    assert got == {b"labels": [1, 2], "text": "x", b"bytes": b"y"}


def test_fortran_order_is_kept(tmp_path):
    array = np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    np.testing.assert_array_equal(load_arrays(write(tmp_path / "file", pickle.dumps(array, 2))), array)


# Each of these makes a file named `ran` when it is allowed to.
SHELL = py2_str(b"touch ran")
OPEN_RAN = py2_str(b"ran") + py2_str(b"w")
PAYLOADS = {
    "os.system": call("os", "system", SHELL),
    "posix.system": call("posix", "system", SHELL),
    "eval": call("builtins", "eval", py2_str(b"open('ran','w')")),
    "Python 2's eval": call("__builtin__", "eval", py2_str(b"open('ran','w')")),
    "open": call("builtins", "open", OPEN_RAN),
    "in a value": b"}(" + py2_str(b"data") + b"](" + call("os", "system", SHELL) + b"eu",
    "as a key": b"}(" + call("os", "system", SHELL) + py2_str(b"x") + b"u",
    "by INST": b"(" + SHELL + b"ios\nsystem\n",
    "by STACK_GLOBAL": b"\x8c\x02os\x8c\x06system\x93(" + SHELL + b"tR",
    "by dots": b"\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
    "another function of NumPy": call("numpy.core.multiarray", "fromfile", py2_str(b"ran")),
    "NumPy's f2py": call("numpy.f2py", "compile", py2_str(b"x")),
    "as an argument": call("numpy.core.multiarray", "_reconstruct", call("os", "system", SHELL)),
    "as an array's state": call("numpy.core.multiarray", "_reconstruct") + call("os", "system", SHELL) + b"b",
    "as a dtype's state": call("numpy", "dtype", py2_str(b"u1")) + call("os", "system", SHELL) + b"b",
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload_is_named_and_does_not_run(tmp_path, monkeypatch, payload):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "data_batch_1", b"\x80\x02" + payload + b".")
    with pytest.raises(
        UnsafePickleError, match=r"data_batch_1: a data file must name nothing but NumPy arrays, got"
    ):
        load_arrays(path)
    assert not (tmp_path / "ran").exists()


def test_the_payload_runs_where_nothing_stops_it(tmp_path, monkeypatch):
    # Proof that the test above could fail.
    monkeypatch.chdir(tmp_path)
    pickle.loads(b"\x80\x02" + PAYLOADS["os.system"] + b".")
    assert (tmp_path / "ran").exists()


def test_an_object_that_reduces_to_a_call(tmp_path, monkeypatch):
    class Payload:
        def __reduce__(self):
            return os.system, ("touch ran",)

    monkeypatch.chdir(tmp_path)
    for protocol in range(6):
        path = write(tmp_path / "file", pickle.dumps({"data": [Payload()]}, protocol))
        with pytest.raises(UnsafePickleError, match="system"):
            load_arrays(path)
    assert not (tmp_path / "ran").exists()


def test_a_registered_extension_is_refused(tmp_path):
    copyreg.add_extension("os", "system", 240)
    try:
        path = write(tmp_path / "file", b"\x80\x02\x82\xf0(" + SHELL + b"tR.")
        with pytest.raises(UnsafePickleError, match=r"os\.system"):
            load_arrays(path)
    finally:
        copyreg.remove_extension("os", "system", 240)


def test_what_is_allowed_calls_nothing_of_numpy(tmp_path):
    # numpy.ndarray((10**13,)) would ask for 73 TB, numpy.dtype and _codecs.encode would import and compute.
    huge = call("numpy", "ndarray", b"\x8a\x06\x00\xa0rN\x18\x09\x85")
    odd = call("numpy", "dtype", py2_str(b"no such dtype"))
    codec = call("_codecs", "encode", py2_str(b"x" * 100), py2_str(b"zlib"))
    for payload in (huge, odd, codec):
        assert load_arrays(write(tmp_path / "file", b"\x80\x02]" + payload + b"0.")) == []
    with pytest.raises(ValueError, match="bytes must be encoded as latin1, got b'zlib'"):
        load_arrays(write(tmp_path / "file", b"\x80\x02" + codec + b"."))


@pytest.mark.parametrize("name", [("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")])
def test_an_allowed_name_cannot_be_changed(tmp_path, name):
    # BUILD on the class itself, with a dict and with slots: pickle would set attributes.
    target = b"c%s\n%s\n" % (name[0].encode(), name[1].encode())
    slots = b"N}U\x0b__setstate__U\x01xs\x86"
    for state in (b"}U\x01xK\x01s", slots):
        path = write(tmp_path / "file", b"\x80\x02" + target + state + b"b.")
        with pytest.raises(ValueError, match="must be a whole pickle"):
            load_arrays(path)
    load_arrays(write(tmp_path / "file", batch_file(0)))  # and what follows is read as ever


def test_other_dtypes_are_refused(tmp_path):
    for dtype in ("O", "f8", "V8"):
        path = write(tmp_path / "file", pickle.dumps(np.zeros(3, dtype), 2))
        with pytest.raises(ValueError, match="an array must be of dtype uint8"):
            load_arrays(path)


def test_a_shape_that_the_bytes_do_not_fill(tmp_path):
    content = py2_pickle(np.zeros((2, 3), np.uint8)).replace(b"M\x02\x00M\x03\x00", b"M\x02\x00M\xff\xff")
    with pytest.raises(ValueError, match=r"must be a whole pickle of CIFAR-10, got .* bytes: .*reshape"):
        load_arrays(write(tmp_path / "file", b"\x80\x02" + content + b"."))


@pytest.mark.parametrize("length", [0, 1, 2, 10, 100, 1000, 60000])
def test_a_truncated_file(tmp_path, length):
    path = write(tmp_path / "test_batch", batch_file(0)[:length])
    with pytest.raises(
        ValueError, match=rf"test_batch must be a whole pickle of CIFAR-10, got {length:,} bytes: ."
    ):
        load_arrays(path)


def test_noise_is_one_sentence(tmp_path):
    rng = np.random.default_rng(0)
    good = batch_file(0, count=1)
    for _ in range(300):
        content = bytearray(good)
        for place in rng.integers(0, 200, size=3):
            content[place] = rng.integers(256)
        path = write(tmp_path / "file", bytes(content))
        with contextlib.suppress(ValueError):  # some places hurt, some do not; nothing else is raised
            load_arrays(path)


def test_lists_that_double_a_hundred_times(tmp_path):
    doubled = b"](h\x00h\x00eq\x00"
    value = load_arrays(write(tmp_path / "file", b"\x80\x02]q\x00" + 100 * doubled + b"."))
    for _ in range(100):
        assert value[0] is value[1]
        value = value[0]
    assert value == []


def test_a_number_that_asks_for_gigabytes(tmp_path):
    # Only pickle's table of values grows, to 16 GB: the content is 10 bytes.
    with pytest.raises(ValueError, match="value number 1073741823 is out of range"):
        load_arrays(write(tmp_path / "file", b"\x80\x02}r\xff\xff\xff\x3f."))


def test_a_file_too_large(tmp_path):
    with open(tmp_path / "file", "wb") as file:
        file.truncate(2**27)  # of holes
    with pytest.raises(
        ValueError, match="must be at most 67,108,864 bytes to be a batch of CIFAR-10, got 134,217,728"
    ):
        load_arrays(tmp_path / "file")


def test_the_helper_writes_what_python_2_did():
    value = {b"labels": [1, 70000], b"long": b"x" * 300}
    assert pickle.loads(py2_file(value), encoding="bytes") == value
    assert struct.pack("<i", 300) in py2_file(value)
