"""The npm registry: pnpr, which checks integrity, checksum and length of what is published."""

from __future__ import annotations

import json
import secrets
import shutil
import urllib.request
from pathlib import Path

from .errors import PeerError
from .paths import NPM_PEER
from .processes import Service, free_port, run

PACKAGE = "@pnpm/pnpr"
VERSION = "0.1.0-alpha.8"
USERNAME = "release-bot"
READY_WITHIN_S = 15

# Everybody reads, whoever has a token publishes; nothing is fetched from other registries.
CONFIG = """\
storage: ./storage
auth:
  htpasswd:
    file: ./htpasswd
    max_users: 10
registries:
  local:
    type: hosted
    access: $all
    packages:
      '@*/*': {access: $all, publish: $authenticated, unpublish: $authenticated}
      '**': {access: $all, publish: $authenticated, unpublish: $authenticated}
defaultRegistry: local
"""


def install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise PeerError("npm is missing: install Node.js 20 or newer (Debian: apt-get install nodejs npm)")
    shutil.rmtree(NPM_PEER, ignore_errors=True)
    NPM_PEER.mkdir(parents=True)
    (NPM_PEER / "package.json").write_text(
        json.dumps({"private": True, "dependencies": {PACKAGE: VERSION}})
    )
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run(command, f"npm install {PACKAGE}@{VERSION}", cwd=NPM_PEER)
    program()


def program() -> Path:
    """The native binary, which comes in a package of its own for each platform."""
    for candidate in sorted(NPM_PEER.glob("node_modules/@pnpm/pnpr.*/pnpr")):
        return candidate
    raise PeerError(f"{PACKAGE} has no binary for this platform; run on Linux or macOS, x64 or arm64")


def start(directory: Path) -> tuple[Service, dict]:
    """Starts the registry with one account; returns it and what a client has to know."""
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "pnpr.yaml"
    config.write_text(CONFIG)
    url = f"http://127.0.0.1:{free_port()}"
    command = [str(program()), "--config", str(config), "--listen", url.removeprefix("http://")]
    service = Service("npm registry", command, directory / "pnpr.log", cwd=directory)
    try:
        service.wait_until_ready(f"{url}/-/ping", READY_WITHIN_S)
        return service, {"url": url, "token": create_account(url), "username": USERNAME}
    except BaseException:
        service.stop()
        raise


def create_account(url: str) -> str:
    """Makes the account and returns its token."""
    account = {"name": USERNAME, "password": secrets.token_urlsafe(24)}
    request = urllib.request.Request(
        f"{url}/-/user/org.couchdb.user:{USERNAME}",
        data=json.dumps(account).encode(),
        headers={"content-type": "application/json"},
        method="PUT",
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["token"]
    except OSError as error:
        raise PeerError(f"npm registry: account {USERNAME} cannot be made: {error}") from error
