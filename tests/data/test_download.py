"""Downloads from a server in this process, which fails in all ways that mirrors do."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from data.fake_cifar import archive, batch, described
from data.mirror import serving

from handgrad import data
from handgrad.data import download, transfer

CONTENT = archive(count=8)  # 145 kB
FILE = described(CONTENT)
QUICK = data.Patience(stall=0.4, slowest=100e3, last_resort=1e3, window=0.2)
NAME = "cifar-10-python.tar.gz"


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def get(mirror, tmp_path):
    """Download from the named faults into tmp_path / "cache"."""

    def get(*faults: str, patience: data.Patience = QUICK, progress: bool = False) -> Path:
        urls = [mirror.url(fault) for fault in faults]
        return data.download_cifar10(tmp_path / "cache", urls, progress, patience, FILE)

    return get


def check(folder: Path) -> None:
    X, _ = data.load_batch(folder / "test_batch")
    np.testing.assert_array_equal(X.reshape(-1, 3072), batch(5, 8)[0])
    assert [entry.name for entry in folder.parent.iterdir()] == ["cifar-10-batches-py"]


@pytest.mark.parametrize("kind", ["whole", "no-ranges", "no-length", "moved"])
def test_a_good_mirror(get, tmp_path, kind):
    folder = get(kind)
    assert folder == tmp_path / "cache/cifar-10-batches-py"
    check(folder)


FAULTS = {
    "gone": "answered HTTP 404 Not Found",
    "busy": "answered HTTP 503 Service Unavailable",
    "html": "sent text/html; charset=utf-8, which is no gzip archive",
    "html-of-the-right-size": "sent text/html, which is no gzip archive",
    "empty": "sent application/octet-stream, which is no gzip archive",
    "wrong": "sent a file with the wrong checksum, MD5 [0-9a-f]{32}",
    "longer": f"has a file of {FILE.size + 4:,} bytes, not {FILE.size:,}",
    "longer-without-length": f"sent more than {FILE.size:,} bytes",
    "cut": f"broke off after [0-9,]+ of {FILE.size:,} bytes",
    "cut-without-length": f"broke off after 5,000 of {FILE.size:,} bytes",
    "stall": r"sent nothing for 0\.4 s",
    "silent": r"sent nothing for 0\.4 s",
    "trickle": r"sent only 0\.\d kB/s",
    "slow": r"sent only \d\d\.\d kB/s",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_mirror_is_left_for_the_next(get, mirror, fault):
    check(get(fault, "whole"))
    assert mirror.requests[0][0] == fault
    assert mirror.requests[-1][0] == "whole"


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "slow"])
def test_the_reason_is_told(get, mirror, tmp_path, fault):
    with pytest.raises(
        data.DownloadError, match=f"could not be downloaded: {mirror.url(fault)} {FAULTS[fault]}"
    ):
        get(fault)
    assert {entry.name for entry in (tmp_path / "cache").iterdir()} <= {f"{NAME}.partial"}


def test_all_that_was_tried_and_the_way_by_hand(get, tmp_path):
    with pytest.raises(data.DownloadError) as caught:
        get("gone", "html", "wrong")
    text = str(caught.value)
    assert isinstance(caught.value, OSError)
    assert [text.index(FAULTS[fault][:20]) for fault in ("gone", "html", "wrong")] == sorted(
        text.index(FAULTS[fault][:20]) for fault in ("gone", "html", "wrong")
    )
    assert (
        f"By hand: put https://www.cs.toronto.edu/~kriz/{NAME} ({FILE.size:,} bytes, MD5 {FILE.md5})" in text
    )
    assert f"into {tmp_path / 'cache'}, or unpack it anywhere and set HANDGRAD_DATA" in text


def test_nobody_there(tmp_path):
    with pytest.raises(
        data.DownloadError, match=r"127\.0\.0\.1:9/x could not be reached \(ConnectionError\)"
    ):
        data.download_cifar10(tmp_path, ["http://127.0.0.1:9/x"], False, QUICK, FILE)


def test_an_odd_address(tmp_path):
    with pytest.raises(data.DownloadError, match=r"nowhere could not be reached \(MissingSchema\)"):
        data.download_cifar10(tmp_path, ["nowhere"], False, QUICK, FILE)


def test_no_mirror(tmp_path):
    with pytest.raises(data.DownloadError, match="no mirror was named"):
        data.download_cifar10(tmp_path, [], False, QUICK, FILE)


def test_a_mirror_that_cannot_deliver_is_asked_once(get, mirror):
    with pytest.raises(data.DownloadError):
        get("gone", "html", "wrong", "cut")
    assert [path for path, _ in mirror.requests] == ["gone", "html", "wrong", "cut", "cut", "cut"]


def test_the_bytes_are_asked_for_as_they_are(get, mirror):
    get("whole")
    assert mirror.encodings == ["identity"]


class TestResuming:
    def test_the_next_mirror_goes_on(self, get, mirror):
        check(get("cut", "whole"))
        path, asked = mirror.requests[1]
        assert path == "whole"
        assert 60000 < int(asked.removeprefix("bytes=").rstrip("-")) < FILE.size

    def test_the_next_call_goes_on(self, get, mirror, tmp_path):
        (tmp_path / "cache").mkdir()
        (tmp_path / f"cache/{NAME}.partial").write_bytes(CONTENT[:1234])
        check(get("whole"))
        assert mirror.seen() == ["whole bytes=1234-"]

    def test_a_call_that_fails_leaves_what_it_has(self, get, mirror, tmp_path):
        with pytest.raises(data.DownloadError):
            get("cut")
        kept = (tmp_path / f"cache/{NAME}.partial").read_bytes()
        assert CONTENT.startswith(kept)
        check(get("whole"))
        assert mirror.seen()[-1] == f"whole bytes={len(kept)}-"

    def test_a_mirror_that_breaks_off_is_asked_again(self, get, mirror):
        # Half of what is left each time, so it never delivers: three rounds and no more.
        with pytest.raises(data.DownloadError):
            get("cut")
        assert len(mirror.requests) == 3

    def test_a_mirror_without_ranges_begins_anew(self, get, mirror, tmp_path):
        (tmp_path / "cache").mkdir()
        (tmp_path / f"cache/{NAME}.partial").write_bytes(b"x" * 1234)
        check(get("no-ranges"))
        assert mirror.seen() == ["no-ranges bytes=1234-"]

    def test_a_mirror_that_answers_with_another_range(self, get, mirror):
        with pytest.raises(data.DownloadError, match=rf"the range bytes 0-9/{FILE.size} when asked for \d+-"):
            get("wrong-range")

    def test_a_mirror_with_a_longer_file(self, get, mirror):
        with pytest.raises(
            data.DownloadError, match=rf"the range bytes \d+-99/{FILE.size + 1} when asked for"
        ):
            get("cut-of-a-longer-one")

    def test_a_mirror_that_does_not_know_its_length(self, get, mirror):
        check(get("cut", "range-without-length"))

    def test_html_does_not_spoil_what_is_there(self, get, mirror, tmp_path):
        (tmp_path / "cache").mkdir()
        (tmp_path / f"cache/{NAME}.partial").write_bytes(CONTENT[:1234])
        check(get("html", "whole"))
        assert mirror.seen() == ["html bytes=1234-", "whole bytes=1234-"]

    def test_a_wrong_beginning_is_thrown_away(self, get, mirror):
        check(get("wrong-then-cut", "whole"))
        assert mirror.seen() == ["wrong-then-cut", "whole bytes=5000-", "whole"]

    @pytest.mark.parametrize("extra", [0, 10])
    def test_a_part_that_is_already_as_long(self, get, mirror, tmp_path, extra):
        (tmp_path / "cache").mkdir()
        (tmp_path / f"cache/{NAME}.partial").write_bytes(CONTENT + b"x" * extra)
        check(get("whole"))
        assert mirror.seen() == (["whole"] if extra else [])

    def test_the_only_mirror_may_be_slow(self, get, mirror):
        # 50 kB/s where 100 are wished for: it is given up, and taken again since there is no other.
        check(get("gone", "slow"))
        assert [path for path, _ in mirror.requests] == ["gone", "slow", "slow"]


class TestPlace:
    def test_nothing_is_asked_for_what_is_there(self, get, mirror):
        get("whole")
        check(get("whole"))
        assert len(mirror.requests) == 1

    def test_an_archive_placed_by_hand(self, get, mirror, tmp_path):
        (tmp_path / "cache").mkdir()
        (tmp_path / f"cache/{NAME}").write_bytes(CONTENT)
        folder = get("whole")
        assert (folder / "test_batch").is_file()
        assert mirror.requests == []
        assert (tmp_path / f"cache/{NAME}").exists()

    def test_a_damaged_archive_placed_by_hand(self, get, tmp_path):
        (tmp_path / "cache").mkdir()
        (tmp_path / f"cache/{NAME}").write_bytes(CONTENT[:-1])
        with pytest.raises(ValueError, match=rf"{NAME} must be the official archive .*: remove it"):
            get("whole")

    def test_the_default_is_the_cache(self, mirror):
        folder = data.download_cifar10(mirrors=[mirror.url("whole")], progress=False, file=FILE)
        assert folder == data.cache_folder() / "cifar-10-batches-py"
        assert data.find_cifar10() == folder

    def test_a_place_that_is_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(
            OSError, match=r"file/cache must be a folder with room that can be written, to download"
        ):
            data.download_cifar10(tmp_path / "file/cache", [], False, QUICK, FILE)

    @pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
    def test_a_place_that_cannot_be_written(self, get, tmp_path, monkeypatch, number):
        def refuse(*arguments, **options):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(Path, "mkdir", refuse)
        with pytest.raises(OSError, match=f"can be written, to download {NAME}: {os.strerror(number)}$"):
            get("whole")

    def test_a_full_disk(self, get, mirror, tmp_path, monkeypatch):
        class Full(io.FileIO):
            def write(self, block):
                if self.tell() + len(block) > 50000:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return super().write(block)

        with monkeypatch.context() as patch:
            patch.setattr(transfer, "open", lambda path, mode: Full(path, mode), raising=False)
            with pytest.raises(
                OSError, match=f"with room .* to download {NAME}: No space left on device"
            ) as caught:
                get("whole", "whole/2")
        assert not isinstance(caught.value, data.DownloadError)
        assert mirror.seen() == ["whole"]  # another mirror would not make room
        check(get("whole"))

    def test_only_one_at_a_time(self, get, tmp_path):
        fcntl = pytest.importorskip("fcntl")
        (tmp_path / "cache").mkdir()
        handle = os.open(tmp_path / "cache", os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            with pytest.raises(
                data.DownloadError, match=r"another process is downloading into .*cache: wait"
            ):
                get("whole")
        finally:
            os.close(handle)
        check(get("whole"))


class TestReport:
    def test_plain_lines(self, get, capsys):
        get("gone", "cut", "whole", progress=True)
        out, err = capsys.readouterr()
        lines = err.splitlines()
        assert out == ""
        assert lines[0].startswith(f"{NAME} (0 MB) from http://127.0.0.1:")
        assert lines[1] == "  answered HTTP 404 Not Found"
        assert lines[-1] == "  100 %"

    def test_a_bar_on_a_terminal(self, get, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        get("gone", "whole", progress=True)
        assert "answered HTTP 404 Not Found" in terminal.getvalue()
        assert "kB" in terminal.getvalue()

    def test_silence(self, get, capsys):
        get("gone", "whole")
        assert capsys.readouterr() == ("", "")


def test_the_mirrors():
    assert data.MIRRORS[-1] == download.OFFICIAL == f"https://www.cs.toronto.edu/~kriz/{NAME}"
    assert all(url.startswith("https://") and url.endswith(f"/{NAME}") for url in data.MIRRORS)
    assert (download.CIFAR10.size, download.CIFAR10.md5) == (170498071, "c58f30108f718f92721af3b95e74349a")
