"""A mirror on this machine, with every fault that mirrors have."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirror(ThreadingHTTPServer):
    """Serves `content` at every address; the address's first part says with which fault."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.requests: list[tuple[str, str | None]] = []  # path and Range
        self.encodings: list[str | None] = []
        self.closing = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def seen(self) -> list[str]:
        return [path if asked is None else f"{path} {asked}" for path, asked in self.requests]


class _Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        path = self.path.strip("/")
        self.server.requests.append((path, self.headers.get("Range")))
        self.server.encodings.append(self.headers.get("Accept-Encoding"))
        with suppress(OSError):  # the client may hang up
            getattr(self, path.split("/")[0].replace("-", "_"))()

    def log_message(self, *arguments: object) -> None:
        pass

    def start(self) -> int:
        return int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if "Range" in self.headers else 0

    def begin(self, content: bytes, kind: str = "application/gzip", ranges: bool = True) -> bytes:
        """Send the head; return the part of the content that was asked for."""
        start = self.start() if ranges else 0
        if start:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        return content[start:]

    def pause(self, seconds: float) -> None:
        self.server.closing.wait(seconds)

    def whole(self) -> None:
        self.wfile.write(self.begin(self.server.content))

    def no_ranges(self) -> None:
        self.wfile.write(self.begin(self.server.content, ranges=False))

    def no_length(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.content)

    def cut(self) -> None:
        rest = self.begin(self.server.content)
        self.wfile.write(rest[: len(rest) // 2])

    def cut_without_length(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.content[:5000])

    def stall(self) -> None:
        self.wfile.write(self.begin(self.server.content)[:3000])
        self.pause(5)

    def silent(self) -> None:
        self.pause(5)

    def trickle(self) -> None:
        for byte in self.begin(self.server.content):
            self.wfile.write(bytes([byte]))
            self.pause(0.02)

    def slow(self) -> None:
        rest = self.begin(self.server.content)
        for at in range(0, len(rest), 2000):
            self.wfile.write(rest[at : at + 2000])
            self.pause(0.04)

    def html(self) -> None:
        self.wfile.write(self.begin(b"<!doctype html>moved" * 10, "text/html; charset=utf-8", ranges=False))

    def html_of_the_right_size(self) -> None:
        self.wfile.write(self.begin(b"<" * len(self.server.content), "text/html", ranges=False))

    def empty(self) -> None:
        self.begin(b"", "application/octet-stream", ranges=False)

    def gone(self) -> None:
        self.send_error(404)

    def busy(self) -> None:
        self.send_error(503)

    def wrong(self) -> None:
        content = self.server.content
        self.wfile.write(self.begin(content[:100] + bytes([content[100] ^ 1]) + content[101:]))

    def wrong_then_cut(self) -> None:
        self.begin(self.server.content)
        self.wfile.write(b"\x1f\x8b" + b"w" * 4998)

    def longer(self) -> None:
        self.wfile.write(self.begin(self.server.content + b"more"))

    def longer_without_length(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.content + b"more")

    def wrong_range(self) -> None:
        if not self.start():
            return self.cut()
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 0-9/{len(self.server.content)}")
        self.end_headers()
        return None

    def cut_of_a_longer_one(self) -> None:
        if not self.start():
            return self.cut()
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {self.start()}-99/{len(self.server.content) + 1}")
        self.end_headers()
        return None

    def range_without_length(self) -> None:
        content = self.server.content
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {self.start()}-{len(content) - 1}/*")
        self.end_headers()
        self.wfile.write(content[self.start() :])

    def moved(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.server.url("whole"))
        self.end_headers()


@contextmanager
def serving(content: bytes) -> Iterator[Mirror]:
    mirror = Mirror(content)
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield mirror
    finally:
        mirror.closing.set()
        mirror.shutdown()
        thread.join()
        mirror.server_close()
