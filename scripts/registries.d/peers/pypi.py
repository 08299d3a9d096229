"""The Python index: devpi, with a plugin of ours that takes narrowed macaroons only."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import sys
import urllib.request
import uuid
from pathlib import Path

from . import macaroon
from .errors import PeerError
from .paths import MACAROON_PLUGIN, PYPI_TEMPLATE, PYTHON_PEER, PYTHON_REQUIREMENTS
from .processes import Service, free_port, run

USER = "maintainers"
INDEX = "release"
# The plugin puts whoever shows a good macaroon into this group.
UPLOADERS = ":macaroon-holders"
LOCATION = "pypi.registry.example"
READY_WITHIN_S = 60


def install() -> None:
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise PeerError("Python's venv is missing: install it (Debian: apt-get install python3-venv)") from error
    shutil.rmtree(PYTHON_PEER, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(PYTHON_PEER)], "making the Python environment")
    pip = [str(PYTHON_PEER / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "--requirement", str(PYTHON_REQUIREMENTS)], "pip install of requirements.txt")
    run([*pip, "--no-deps", str(MACAROON_PLUGIN)], "pip install devpi-macaroon")


def prepare_template() -> None:
    """Makes a server directory with its user and index once, which saves each start the time."""
    shutil.rmtree(PYPI_TEMPLATE, ignore_errors=True)
    root_password = secrets.token_urlsafe(24)
    initialise = [
        program("devpi-init"),
        *("--serverdir", str(PYPI_TEMPLATE / "server")),
        *("--no-root-pypi", "--root-passwd", root_password),
    ]
    PYPI_TEMPLATE.mkdir(parents=True)
    run(initialise, "devpi-init")
    service, url = launch(PYPI_TEMPLATE)
    try:
        password = secrets.token_urlsafe(24)
        authorization = basic(USER, password)
        put(f"{url}/{USER}", {"password": password}, None)
        index = {"type": "stage", "bases": [], "volatile": False, "acl_upload": [UPLOADERS]}
        put(f"{url}/{USER}/{INDEX}", index, authorization)
    finally:
        service.stop()


def start(directory: Path) -> tuple[Service, dict]:
    """Starts the index with a new account-wide token; returns it and what a client has to know."""
    if not PYPI_TEMPLATE.exists():
        raise PeerError("the Python index is not installed: run scripts/registries install pypi")
    directory.mkdir(parents=True, exist_ok=True)
    server = directory / "server"
    if not server.exists():
        shutil.copytree(PYPI_TEMPLATE / "server", server)
    issued = {
        "location": LOCATION,
        "identifier": str(uuid.uuid4()),
        "root_key": secrets.token_bytes(32).hex(),
        "user_id": str(uuid.uuid4()),
        "log": str(directory / "authentications.jsonl"),
    }
    settings = directory / "macaroon.json"
    settings.touch(mode=0o600)
    settings.write_text(json.dumps(issued))
    service, url = launch(directory, "--macaroon-settings", str(settings))
    token = macaroon.mint(
        issued["location"], issued["identifier"], bytes.fromhex(issued["root_key"]), [[3, issued["user_id"]]]
    )
    return service, {
        "url": f"{url}/{USER}/{INDEX}/",
        "read_url": f"{url}/{USER}/{INDEX}/+simple",
        "token": token,
        "username": "__token__",
        "location": LOCATION,
        "authentications": issued["log"],
    }


def launch(directory: Path, *options: str) -> tuple[Service, str]:
    """Starts devpi on the server directory in `directory`; returns it and its base URL."""
    port = free_port()
    command = [
        program("devpi-server"),
        *("--serverdir", str(directory / "server")),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--offline-mode", "--threads", "8", *options),
    ]
    service = Service("Python index", command, directory / "devpi.log", cwd=directory)
    url = f"http://127.0.0.1:{port}"
    try:
        service.wait_until_ready(f"{url}/+api", READY_WITHIN_S)
    except BaseException:
        service.stop()
        raise
    return service, url


def program(name: str) -> str:
    return str(PYTHON_PEER / "bin" / name)


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def put(url: str, content: dict, authorization: str | None) -> None:
    headers = {"content-type": "application/json"}
    if authorization is not None:
        headers["authorization"] = authorization
    request = urllib.request.Request(url, data=json.dumps(content).encode(), headers=headers, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=30):
            pass
    except OSError as error:
        raise PeerError(f"Python index: PUT {url} failed: {error}") from error
