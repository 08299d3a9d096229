"""What every double can be told: how to answer next, what time it is, what it has seen.

`POST /{command}` with a JSON object of arguments, answered with JSON. Commands of all doubles:

  answer    {"methods", "path", "status", "headers", "body", "times", "processed"}: answers matching requests so
  clock     {"now_s"}: stands still at this moment, seconds since 1970; without it, follows the machine's clock
  requests  {"methods"}: what arrived, oldest first, bodies in base64
  mark      {}: remembers what the registry has now
  reset     {}: goes back to what was remembered; drops what arrived and the answers that are still to be given
"""

from __future__ import annotations

import base64
import copy
import json
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import Callable, Protocol

from .wire import Answer, LoopbackServer, Refused, Request


class Clock:
    """The double's time."""

    def __init__(self):
        self._stands_at_s: float | None = None

    def set(self, now_s: float | None) -> None:
        self._stands_at_s = now_s

    def now_s(self) -> float:
        return time.time() if self._stands_at_s is None else self._stands_at_s


class Registry(Protocol):
    """The part of a double that is its own."""

    clock: Clock
    # What it has; nothing beside it changes.
    store: object
    # Commands of its own, by name.
    commands: dict[str, Callable[..., object]]

    def respond(self, request: Request) -> Answer: ...


@dataclass
class ForcedAnswer:
    """An answer given in place of the double's own."""

    status: int
    methods: list[str] = field(default_factory=lambda: ["GET", "HEAD", "PUT", "POST", "DELETE"])
    # Beginning of the path, percent-decoded.
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    times: int = 1
    # Whether the registry does what it was asked to before it answers so.
    processed: bool = False

    def takes(self, request: Request) -> bool:
        return self.times > 0 and request.method in self.methods and request.path.startswith(self.path)


class Double:
    """A registry being served, with its control interface beside it."""

    def __init__(self, registry: Registry, port: int, control_port: int):
        self._registry = registry
        self._lock = threading.Lock()
        # What arrived, and when by the double's clock.
        self._seen: list[tuple[float, Request]] = []
        self._marked = copy.deepcopy(registry.store)
        self._forced: list[ForcedAnswer] = []
        self._commands = {
            "answer": self._force,
            "clock": lambda now_s=None: registry.clock.set(now_s),
            "requests": self._requests,
            "mark": self._mark,
            "reset": self._reset,
            **registry.commands,
        }
        self._server = LoopbackServer(port, self._respond)
        self._control = LoopbackServer(control_port, self._obey)

    def serve(self) -> None:
        """Serves both until the process is told to end."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._control.serve_forever()

    def _respond(self, request: Request) -> Answer:
        # One request at a time: the order in which rules are met is then the order of arrival.
        with self._lock:
            self._seen.append((self._registry.clock.now_s(), request))
            forced = next((forced for forced in self._forced if forced.takes(request)), None)
            if forced is not None:
                forced.times -= 1
                if forced.processed:
                    self._answer(request)
                return Answer(forced.status, forced.body.encode(), dict(forced.headers))
            return self._answer(request)

    def _answer(self, request: Request) -> Answer:
        try:
            return self._registry.respond(request)
        except Refused as refused:
            return refused.answer

    def _obey(self, request: Request) -> Answer:
        command = self._commands.get(request.path.removeprefix("/"))
        if request.method != "POST" or command is None:
            return Answer.json(404, {"error": f"commands are {', '.join(sorted(self._commands))}"})
        try:
            with self._lock:
                return Answer.json(200, command(**json.loads(request.body or b"{}")))
        except Exception:
            return Answer.json(400, {"error": traceback.format_exc()})

    def _force(self, **described) -> None:
        self._forced.append(ForcedAnswer(**described))

    def _requests(self, methods: list[str] | None = None) -> list[dict]:
        return [
            {
                "at_s": int(at_s),
                "method": seen.method,
                "target": seen.target,
                "headers": [[name.lower(), value] for name, value in seen.headers.items()],
                "body": base64.b64encode(seen.body).decode(),
            }
            for at_s, seen in self._seen
            if methods is None or seen.method in methods
        ]

    def _mark(self) -> None:
        self._marked = copy.deepcopy(self._registry.store)

    def _reset(self) -> None:
        self._registry.store = copy.deepcopy(self._marked)
        self._seen.clear()
        self._forced.clear()


def change(target: object, changes: dict) -> None:
    """Sets fields that there are."""
    for name, value in changes.items():
        if not hasattr(target, name):
            raise AttributeError(f"{type(target).__name__} has no {name}")
        setattr(target, name, value)
