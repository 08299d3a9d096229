"""Runs the registries in the foreground and stops them all at the end."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for_all
from functools import partial
from pathlib import Path
from typing import Callable

from . import doubles, npm, pypi, pypiserver, verdaccio
from .processes import Service

LOOK_EVERY_S = 0.5

# What can be served, by name.
REGISTRIES: dict[str, Callable[[Path], tuple[Service, dict]]] = {
    "npm": npm.start,
    "pypi": pypi.start,
    "verdaccio-6": partial(verdaccio.start, 6),
    "verdaccio-9": partial(verdaccio.start, 9),
    "pypiserver": pypiserver.start,
    "npm-double": partial(doubles.start, "npm"),
    "pypi-double": partial(doubles.start, "pypi"),
}


class Stop(Exception):
    """SIGTERM or SIGINT arrived."""


def serve(directory: Path, names: list[str], ignore_stdin: bool) -> int:
    """Starts the registries named, says where they are in one line of JSON, waits, stops them."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop_by_signal)
    directory.mkdir(parents=True, exist_ok=True)
    starts = {name: partial(REGISTRIES[name], directory / name) for name in names}
    services: list[Service] = []
    try:
        ready = start_all(starts, services)
        ready["pids"] = [service.pid for service in services]
        print(json.dumps(ready), flush=True)
        wait(services, ignore_stdin)
    except Stop:
        pass
    finally:
        for service in services:
            service.stop()
    return 0


def start_all(starts: dict, services: list[Service]) -> dict:
    """Starts all at once; whatever did start is in `services`, also when another fails or we are to stop."""
    starters = ThreadPoolExecutor()
    started = {name: starters.submit(start) for name, start in starts.items()}
    try:
        wait_for_all(started.values())
    finally:
        starters.shutdown(wait=True)
        services.extend(future.result()[0] for future in started.values() if future.exception() is None)
    return {name: future.result()[1] for name, future in started.items()}


def wait(services: list[Service], ignore_stdin: bool) -> None:
    """Returns when stdin ends; fails when a service does."""
    watched = [] if ignore_stdin else [sys.stdin.fileno()]
    while True:
        readable, _, _ = select.select(watched, [], [], LOOK_EVERY_S)
        if readable and not os.read(sys.stdin.fileno(), 4096):
            return
        for service in services:
            service.check_running()


def stop_by_signal(_number, _frame) -> None:
    # Once is enough: what follows is the orderly end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise Stop
