"""The registry as a whole, and how it is brought into a state.

Its commands beside those of all doubles:

  token     {"token", "user", "standing"}: makes or changes a token; standings are in `store.py`
  package   {"name", "disallows_tokens"}: makes or changes a package
  remove    {"name"}: unmakes a package
  insert    {"package", "version", "tarball"}: has a version, as if published by somebody else; content in base64
  registry  {"scan_s", "stage_lifetime_s", "one_time_password", "npm_notice", "signing", …}: changes the registry
  version   {"package", "version", "is_blocked", "is_unpublished"}: changes a version
  tarball   {"package", "version"}: what is stored, in base64; null if nothing is
  stages    {}: what waits for approval
  rotate    {"expires"}: signs with a new key; the one before expires then
"""

from __future__ import annotations

import base64
import hashlib
import re

from ..control import Clock, change
from ..wire import Answer, Refused, Request
from . import amendments, publish, reads, staging
from .access import authenticate, error
from .signing import Signer
from .store import STANDINGS, Package, Store, Token, Version

NAME = r"(@[^/]+/[^/@]+|[^/@-][^/]*)"


class Registry:
    def __init__(self, base_url: str):
        self.clock = Clock()
        self._base_url = base_url
        self.store = Store()
        self._signer = Signer()
        self.commands = {
            "token": self._token,
            "package": self._package,
            "remove": self._remove,
            "insert": self._insert,
            "registry": lambda **changes: change(self.store, changes),
            "version": self._version,
            "tarball": self._tarball,
            "stages": lambda: [staging.item(stage) for stage in self.store.waiting_stages(self.clock.now_s())],
            "rotate": self._signer.rotate,
        }

    def respond(self, request: Request) -> Answer:
        answer = self._answer(request)
        if request.method != "GET" and self.store.npm_notice:
            answer.headers["npm-notice"] = self.store.npm_notice
        return answer

    def _answer(self, request: Request) -> Answer:
        for method, pattern, handle in self._routes():
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                try:
                    return handle(request, *found.groups())
                except Refused as refused:
                    return refused.answer
        return Answer.json(404, {"error": "Not found"})

    def _routes(self):
        store, now_s, base = self.store, self.clock.now_s(), self._base_url
        return [
            ("GET", r"/-/ping", lambda _request: Answer.json(200, {})),
            ("GET", r"/-/whoami", self._whoami),
            ("GET", r"/-/npm/v1/keys", lambda _request: Answer.json(200, self._signer.keys())),
            ("GET", r"/-/stage", lambda request: staging.list_stages(request, store, now_s)),
            ("POST", rf"/-/stage/package/{NAME}", lambda request, name: self._stage(request, name, now_s)),
            ("GET", r"/-/stage/([^/]+)", lambda request, stage: staging.view(request, store, stage, now_s)),
            ("GET", r"/-/stage/([^/]+)/tarball", lambda request, stage: staging.tarball(request, store, stage, now_s)),
            ("POST", r"/-/stage/([^/]+)/approve", lambda request, stage: staging.approve(request, store, stage, now_s)),
            ("DELETE", r"/-/stage/([^/]+)", lambda request, stage: staging.reject(request, store, stage, now_s)),
            ("GET", rf"/-/package/{NAME}/dist-tags", lambda _request, name: amendments.tags(store, name)),
            (
                "PUT",
                rf"/-/package/{NAME}/dist-tags/([^/]+)",
                lambda *path: amendments.set_tag(path[0], store, *path[1:]),
            ),
            (
                "DELETE",
                rf"/-/package/{NAME}/dist-tags/([^/]+)",
                lambda *path: amendments.remove_tag(path[0], store, *path[1:]),
            ),
            ("PUT", rf"/{NAME}", lambda request, name: self._put(request, name, now_s)),
            ("GET", rf"/{NAME}", lambda request, name: reads.packument(request, store, name, base, now_s)),
            (
                "GET",
                rf"/{NAME}/-/([^/]+)",
                lambda request, name, file: reads.tarball(request, store, name, file, now_s),
            ),
            (
                "GET",
                rf"/{NAME}/([^/]+)",
                lambda _request, name, version: reads.version_document(store, name, version, base, now_s),
            ),
        ]

    def _put(self, request: Request, name: str, now_s: float) -> Answer:
        package = self.store.packages.get(name)
        if package is not None and b'"_attachments"' not in request.body:
            return amendments.replace_document(request, self.store, package, now_s)
        answer = publish.publish(request, self.store, name, now_s)
        self._sign_all()
        return answer

    def _stage(self, request: Request, name: str, now_s: float) -> Answer:
        answer = publish.stage(request, self.store, name, now_s)
        self._sign_all()
        return answer

    def _sign_all(self) -> None:
        """Signs what is not signed yet; a rotation leaves earlier signatures alone."""
        if self.store.signing == "not":
            return
        contents = [
            (package.name, number, version)
            for package in self.store.packages.values()
            for number, version in package.versions.items()
        ]
        contents += [(stage.package, stage.version, stage.content) for stage in self.store.stages.values()]
        for name, number, version in contents:
            dist = version.document["dist"]
            if "signatures" not in dist:
                signed = number if self.store.signing == "truly" else f"{number}-other"
                dist["signatures"] = self._signer.sign(name, signed, dist.get("integrity", ""))

    def _whoami(self, request: Request) -> Answer:
        token = authenticate(request, self.store)
        if token.standing == "expired":
            raise error(401, "Unauthorized")
        return Answer.json(200, {"username": token.user})

    def _token(self, token: str, user: str = "release-bot", standing: str = "valid") -> None:
        if standing not in STANDINGS:
            raise ValueError(f"standings are {', '.join(STANDINGS)}")
        self.store.tokens[token] = Token(user, standing)

    def _package(self, name: str, **changes) -> None:
        change(self.store.packages.setdefault(name, Package(name)), changes)

    def _remove(self, name: str) -> None:
        del self.store.packages[name]

    def _insert(self, package: str, version: str, tarball: str) -> None:
        content = base64.b64decode(tarball)
        integrity = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
        manifest = {"name": package, "version": version, "dist": {"integrity": integrity}}
        publish.add(self.store.packages[package], version, Version(manifest, content, "latest", self.clock.now_s()))
        self._sign_all()

    def _version(self, package: str, version: str, **changes) -> None:
        change(self.store.packages[package].versions[version], changes)

    def _tarball(self, package: str, version: str) -> str | None:
        known = self.store.packages.get(package)
        content = known and known.versions.get(version)
        return content and base64.b64encode(content.tarball).decode()
