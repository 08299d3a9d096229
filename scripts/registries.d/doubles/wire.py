"""Requests, answers, and the loopback servers that carry them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable
from urllib.parse import parse_qs, unquote, urlsplit

# More than any outcall can carry, so that the registry's own limits are the ones that are met.
MAX_BODY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    # Path and query exactly as sent.
    target: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        """The path, percent-decoded, without the query."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; the last of several with one name counts."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    def header(self, name: str) -> str:
        """A header's value; empty when there is none."""
        return self.headers.get(name, "")


@dataclass
class Answer:
    """An answer to send."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # The text behind the status; the public Python index gives its reason there.
    reason: str | None = None

    @classmethod
    def json(cls, status: int, content, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(content).encode(), {"content-type": "application/json", **named})


class Refused(Exception):
    """A rule is not met; carries the answer that says so."""

    def __init__(self, answer: Answer):
        super().__init__(answer.status)
        self.answer = answer


class LoopbackServer(ThreadingHTTPServer):
    """Serves requests on a loopback port, several at a time, each through `respond`."""

    daemon_threads = True
    # All nodes of a subnet connect in the same moment.
    request_queue_size = 128

    def __init__(self, port: int, respond: Callable[[Request], Answer]):
        super().__init__(("127.0.0.1", port), Handler)
        self.respond = respond


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Small answers must not wait for the other side's acknowledgement.
    disable_nagle_algorithm = True

    def handle_one(self):
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            return self.send(Answer(413, b"Payload Too Large"))
        request = Request(self.command, self.path, self.headers, self.rfile.read(length))
        self.send(self.server.respond(request))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one

    def send(self, answer: Answer):
        self.send_response_only(answer.status, answer.reason)
        if "date" not in answer.headers:
            self.send_header("date", self.date_time_string())
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *_arguments):
        pass


def ranged(request: Request, content: bytes, are_ranges_served: bool) -> Answer:
    """A file, whole or the range that is asked for."""
    headers = {"content-type": "application/octet-stream"}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.header("range"))
    if asked is None or not are_ranges_served:
        return Answer(200, content, headers)
    first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if first > last:
        return Answer(416, headers={**headers, "content-range": f"bytes */{len(content)}"})
    headers["content-range"] = f"bytes {first}-{last}/{len(content)}"
    return Answer(206, content[first : last + 1], headers)


def moment(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
