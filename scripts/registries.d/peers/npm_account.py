"""Accounts at npm registries: made with a password, answered with a token."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request

from .errors import PeerError

USERNAME = "release-bot"


def create(url: str, name: str, password: str | None = None) -> str:
    """Makes an account and returns its token."""
    account = {"name": name, "password": password or secrets.token_urlsafe(24)}
    return call("PUT", f"{url}/-/user/org.couchdb.user:{name}", account, None)["token"]


def call(method: str, url: str, content: dict, token: str | None) -> dict:
    headers = {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, data=json.dumps(content).encode(), headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise PeerError(f"npm registry: {method} {url}: {error.code} {error.read()[:500]!r}") from error
    except OSError as error:
        raise PeerError(f"npm registry: {method} {url}: {error}") from error
