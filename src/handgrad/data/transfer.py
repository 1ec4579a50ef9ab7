"""One file from one mirror: resumed where it stopped, given up when it stalls, checked before it counts."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from handgrad.data.archive import RemoteFile, md5_of, storage
from handgrad.data.report import Report

if TYPE_CHECKING:
    import requests

_CHUNK = 2**18
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Patience:
    """When a transfer is given up for another mirror.

    Attributes
    ----------
    stall : float
        Seconds without an answer, or without a byte.
    slowest : float
        Bytes per second, measured over `window` seconds. A mirror below it is left for the next one, and
        comes back into play when none is faster.
    last_resort : float
        Bytes per second that are asked for then.
    window : float
        Seconds.
    """

    stall: float = 20.0
    slowest: float = 300e3  # the whole of CIFAR-10 in ten minutes
    last_resort: float = 5e3  # ten hours
    window: float = 10.0


class Setback(Exception):
    """Why a mirror did not deliver, and how fast it sent (0 where asking it again is of no use)."""

    def __init__(self, reason: str, rate: float = 0.0) -> None:
        super().__init__(reason)
        self.rate = rate


def deliver(url: str, file: RemoteFile, partial: Path, patience: Patience, report: Report) -> None:
    """Complete `partial`, which may hold the first part of the file, from `url`.

    Raises
    ------
    Setback
        When the mirror did not deliver. What arrived stays in `partial`, but for wrong bytes.
    OSError
        When `partial` cannot be written.
    """
    checksum = ""
    for _ in range(2):
        resumed = _transfer(url, file, partial, patience, report)
        checksum = md5_of(partial)
        if checksum == file.md5:
            return
        partial.unlink()
        if not resumed:
            break
        # What was there before may be to blame: once more, from the first byte.
    raise Setback(f"sent a file with the wrong checksum, MD5 {checksum}")


def _transfer(url: str, file: RemoteFile, partial: Path, patience: Patience, report: Report) -> bool:
    """Make `partial` as long as the file is, and return whether it was begun before."""
    import requests
    from urllib3 import exceptions

    start = partial.stat().st_size if partial.exists() else 0
    if start == file.size:
        return True
    start = start if start < file.size else 0
    # The archive's own bytes are wanted: no compression on the way.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    pace = _Pace(patience)
    try:
        with requests.get(url, headers=headers, stream=True, timeout=patience.stall) as response:
            start, first = _accept(response, start, file)
            with (
                storage(f"download {file.name}", partial.parent),
                open(partial, "r+b" if start else "wb") as out,
            ):
                out.seek(start)
                _receive(response, out, first, file, pace, report)
    except (requests.Timeout, exceptions.TimeoutError):
        raise Setback(f"sent nothing for {patience.stall:g} s", pace.rate) from None
    except requests.RequestException as error:
        raise Setback(f"could not be reached ({type(error).__name__})") from None
    except exceptions.HTTPError:
        raise Setback(f"broke off after {start + pace.total:,} of {file.size:,} bytes", pace.rate) from None
    return start > 0


def _accept(response: requests.Response, start: int, file: RemoteFile) -> tuple[int, bytes]:
    """Return where the answer begins, `start` or 0 if the server knows no ranges, and its first bytes."""
    status = response.status_code
    if status not in (200, 206):
        raise Setback(f"answered HTTP {status} {response.reason}")
    first = b""
    if status == 206:
        given = response.headers.get("Content-Range", "none")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", given)
        if not match or int(match[1]) != start or match[2] not in (str(file.size), "*"):
            raise Setback(f"answered with the range {given} when asked for {start}- of {file.size}")
    else:
        start = 0
        first = response.raw.read(len(_GZIP), decode_content=False)
        if first != _GZIP:
            raise Setback(
                f"sent {response.headers.get('Content-Type', 'something')}, which is no gzip archive"
            )
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and start + int(length) != file.size:
        raise Setback(f"has a file of {start + int(length):,} bytes, not {file.size:,}")
    return start, first


def _receive(
    response: requests.Response, out: BinaryIO, block: bytes, file: RemoteFile, pace: _Pace, report: Report
) -> None:
    while True:
        out.write(block)
        pace.add(len(block))
        report.at(out.tell())
        if out.tell() > file.size:
            raise Setback(f"sent more than {file.size:,} bytes")
        # read1 returns what is there; read would wait for the whole chunk, however slowly it trickles in.
        block = response.raw.read1(_CHUNK, decode_content=False)
        if not block:
            break
    if out.tell() < file.size:
        raise Setback(f"broke off after {out.tell():,} of {file.size:,} bytes", pace.rate)


class _Pace:
    """The speed of a transfer, over windows of time."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.begin, self.received = time.monotonic(), 0
        self.total, self.rate = 0, 0.0

    def add(self, count: int) -> None:
        """Count bytes; raise Setback when the last window was too slow."""
        self.received += count
        self.total += count
        elapsed = time.monotonic() - self.begin
        self.rate = self.received / max(elapsed, 1e-3)
        if elapsed < self.patience.window:
            return
        if self.rate < self.patience.slowest:
            raise Setback(f"sent only {self.rate / 1e3:.1f} kB/s", self.rate)
        self.begin, self.received = time.monotonic(), 0
