"""Programs that we run: to their end, or in the background until stopped."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .errors import PeerError

STOP_WITHIN_S = 5


def run(command: list[str], what: str, **options) -> None:
    """Runs a program to its end; its output is shown only when it fails."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if done.returncode != 0:
        output = done.stdout.decode(errors="replace").strip()
        raise PeerError(f"{what} failed (exit code {done.returncode}):\n{output}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A server of ours, running in the background."""

    def __init__(self, name: str, command: list[str], log: Path, **options):
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **options
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self, url: str, within_s: float) -> None:
        """Waits until the URL answers at all."""
        give_up = time.monotonic() + within_s
        while time.monotonic() < give_up:
            self.check_running()
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise PeerError(f"{self.name} did not answer within {within_s:.0f} s; see {self.log}")

    def check_running(self) -> None:
        exit_code = self._process.poll()
        if exit_code is not None:
            last = self.log.read_text(errors="replace").splitlines()[-10:]
            raise PeerError(f"{self.name} ended by itself (exit code {exit_code}):\n" + "\n".join(last))

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
