"""The npm registry: pnpr, which checks integrity, checksum and length of what is published."""

from __future__ import annotations

from pathlib import Path

from . import node, npm_account
from .errors import PeerError
from .npm_account import USERNAME
from .processes import Service, free_port

PACKAGE = "pnpr"
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


def program() -> Path:
    """The native binary, which comes in a package of its own for each platform."""
    for candidate in sorted(node.installed(PACKAGE).glob("node_modules/@pnpm/pnpr.*/pnpr")):
        return candidate
    raise PeerError(
        "pnpr is not installed, or has no binary for this platform: run scripts/registries install npm "
        "on Linux or macOS, x64 or arm64"
    )


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
        return service, {"url": url, "token": npm_account.create(url, USERNAME), "username": USERNAME}
    except BaseException:
        service.stop()
        raise
