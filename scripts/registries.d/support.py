"""What the tests share: requests, servers of their own, packages made in memory."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from pathlib import Path

from peers.paths import SOURCES

PROGRAM = SOURCES.parent / "registries"


def request(method: str, url: str, body: bytes | None = None, headers: dict | None = None) -> tuple[int, bytes]:
    """Status and body of an answer."""
    call = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read()


class Serving:
    """`scripts/registries serve` in a directory of its own."""

    def __init__(self, *options: str):
        self._directory = tempfile.TemporaryDirectory()
        self.directory = Path(self._directory.name)
        command = [sys.executable, str(PROGRAM), "serve", "--dir", str(self.directory), *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started = time.monotonic()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"serve {options} ended with {self.process.wait()}")
        self.ready = json.loads(line)
        self.took_s = time.monotonic() - started

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()
        self._directory.cleanup()


def npm_tarball(name: str, version: str, content: str) -> bytes:
    package = json.dumps({"name": name, "version": version, "content": content}).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(package)
        archive.addfile(entry, io.BytesIO(package))
    return gzip.compress(packed.getvalue(), mtime=0)


def wheel_name(project: str, version: str) -> str:
    return f"{project.replace('-', '_').replace('.', '_').lower()}-{version}-py3-none-any.whl"


def python_wheel(project: str, version: str, content: str) -> bytes:
    info = f"{project.replace('-', '_')}-{version}.dist-info"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in [
            (f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"),
            (f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: py3-none-any\nX-Content: {content}\n"),
            (f"{info}/RECORD", ""),
        ]:
            archive.writestr(zipfile.ZipInfo(name), text)
    return packed.getvalue()


def multipart(fields: dict, filename: str, content: bytes) -> tuple[str, bytes]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="content"; filename="{filename}"\r\n'
    parts.append(head.encode() + b"content-type: application/octet-stream\r\n\r\n" + content + b"\r\n")
    return boundary, b"".join(parts) + f"--{boundary}--\r\n".encode()


class Control:
    """A double's control interface."""

    def __init__(self, url: str):
        self._url = url

    def __call__(self, command: str, **arguments):
        status, body = request("POST", f"{self._url}/{command}", json.dumps(arguments).encode())
        if status != 200:
            raise AssertionError(json.loads(body)["error"])
        return json.loads(body)
