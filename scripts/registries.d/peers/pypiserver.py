"""pypiserver: the small index that many run. It checks almost nothing; tokens are judged by `pypiserver_app`."""

from __future__ import annotations

import json
import secrets
import uuid
from pathlib import Path

from . import macaroon
from .errors import PeerError
from .paths import PYTHON_PEER, SOURCES
from .processes import Service, free_port

LOCATION = "pypi.registry.example"
READY_WITHIN_S = 30


def start(directory: Path) -> tuple[Service, dict]:
    """Starts the index with a new token; returns it and what a client has to know."""
    packages = directory / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    python = PYTHON_PEER / "bin" / "python"
    if not python.exists():
        raise PeerError("pypiserver is not installed: run scripts/registries install pypi")
    identifier, root_key = str(uuid.uuid4()), secrets.token_bytes(32)
    settings = directory / "token.json"
    settings.touch(mode=0o600)
    settings.write_text(json.dumps({"identifier": identifier, "root_key": root_key.hex()}))
    port = free_port()
    command = [str(python), "-B", "-m", "peers.pypiserver_app", str(port), str(packages), str(settings)]
    service = Service("pypiserver", command, directory / "pypiserver.log", cwd=SOURCES)
    url = f"http://127.0.0.1:{port}"
    try:
        service.wait_until_ready(f"{url}/health", READY_WITHIN_S)
    except BaseException:
        service.stop()
        raise
    token = macaroon.mint(LOCATION, identifier, root_key, [[3, str(uuid.uuid4())]])
    return service, {"url": f"{url}/", "read_url": f"{url}/simple", "token": token, "packages": str(packages)}
