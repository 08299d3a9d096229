"""A registry that has nothing, accepts everything and remembers what it was sent."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Iterator, NamedTuple


class Upload(NamedTuple):
    """One request that was meant to change the registry."""

    content_type: str
    body: bytes


class Recorder:
    """Where a client may publish: `url`, and what came there since the last `take`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.uploads: list[Upload] = []

    def take(self) -> list[Upload]:
        uploads, self.uploads = self.uploads, []
        return uploads


@contextlib.contextmanager
def listening() -> Iterator[Recorder]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            self.reply(404)

        def do_PUT(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["content-length"]))
            recorder.uploads.append(Upload(self.headers["content-type"], body))
            self.reply(200)

        do_POST = do_PUT  # noqa: N815

        def reply(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder = Recorder(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
