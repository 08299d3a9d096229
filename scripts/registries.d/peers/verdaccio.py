"""Verdaccio: release 6, which many run; and a preview of release 9, with staging and one-time passwords."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from . import node, npm_account
from .errors import PeerError
from .npm_account import USERNAME
from .processes import Service, free_port

PACKAGES = {6: "verdaccio-6", 9: "verdaccio-9"}
READY_WITHIN_S = 60
# The account that has a second factor, in release 9.
ENROLLED = "careful-bot"
TOTP_STEP_S = 30

# Everybody reads, whoever has a token publishes; nothing is fetched from other registries.
CONFIG = """\
storage: ./storage
web: {enable: false}
auth:
  htpasswd:
    file: ./htpasswd
    max_users: 10
packages:
  '@*/*': {access: $all, publish: $authenticated, unpublish: $authenticated}
  '**': {access: $all, publish: $authenticated, unpublish: $authenticated}
log: {type: stdout, format: json, level: warn}
userRateLimit: {windowMs: 1000, max: 10000}
"""
STAGING = """\
flags: {stage: true, tfa: true}
"""


def start(release: int, directory: Path) -> tuple[Service, dict]:
    """Starts a release with one account, release 9 with a second one that has a second factor."""
    directory.mkdir(parents=True, exist_ok=True)
    program = node.installed(PACKAGES[release]) / "node_modules" / "verdaccio" / "bin" / "verdaccio"
    if not program.exists():
        raise PeerError(f"Verdaccio {release} is not installed: run scripts/registries install verdaccio")
    config = directory / "verdaccio.yaml"
    config.write_text(CONFIG + (STAGING if release == 9 else ""))
    url = f"http://127.0.0.1:{free_port()}"
    stays_up = ["--require", str(Path(__file__).with_name("verdaccio_stays_up.cjs"))]
    command = [node.program(), *stays_up, str(program), "--config", str(config), "--listen", url.removeprefix("http://")]
    # Its own look for newer versions would leave this machine.
    environment = {**os.environ, "VERDACCIO_DISABLE_UPDATE_CHECK": "true", "NODE_ENV": "production"}
    service = Service(f"Verdaccio {release}", command, directory / "verdaccio.log", cwd=directory, env=environment)
    try:
        service.wait_until_ready(f"{url}/-/ping", READY_WITHIN_S)
        about = {"url": url, "token": npm_account.create(url, USERNAME), "username": USERNAME}
        if release == 9:
            about["enrolled"] = enroll(url)
        return service, about
    except BaseException:
        service.stop()
        raise


def enroll(url: str) -> dict:
    """Makes an account that publishes and approves with one-time passwords only; returns its token and secret."""
    password = base64.urlsafe_b64encode(os.urandom(18)).decode()
    token = npm_account.create(url, ENROLLED, password)
    wanted = {"tfa": {"mode": "auth-and-writes", "password": password}}
    offered = npm_account.call("POST", f"{url}/-/npm/v1/user", wanted, token)["tfa"]
    secret = parse_qs(urlsplit(offered).query)["secret"][0]
    # A code counts once: this is the one before the present one, so that the present one is still to be used.
    code = one_time_password(secret, time.time() - TOTP_STEP_S)
    npm_account.call("POST", f"{url}/-/npm/v1/user", {"tfa": [code]}, token)
    return {"token": token, "secret_hex": base32(secret).hex()}


def one_time_password(secret: str, now_s: float) -> str:
    """The code of RFC 6238 at a moment: six digits, HMAC-SHA-1, steps of 30 seconds."""
    digest = hmac.new(base32(secret), struct.pack(">Q", int(now_s) // TOTP_STEP_S), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def base32(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))
