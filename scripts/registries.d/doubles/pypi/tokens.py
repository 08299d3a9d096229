"""The tokens that the index issued, and what they may be used for."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import uuid
from dataclasses import dataclass

import pymacaroons
from devpi_macaroon import macaroons
from packaging.utils import canonicalize_name

from .store import Project, User

LOCATION = "pypi.registry.example"


@dataclass
class Issued:
    # Whose it is.
    user: str
    user_id: str
    root_key: bytes


@dataclass
class Presented:
    """A token of ours, as somebody presented it."""

    macaroon: pymacaroons.Macaroon
    issued: Issued


class Tokens:
    def __init__(self):
        self._issued: dict[str, Issued] = {}

    def issue(self, user: User, projects: list[Project]) -> str:
        """A token for the user's projects, or for these only; without an end, as the website issues them."""
        identifier, root_key = str(uuid.uuid4()), secrets.token_bytes(32)
        macaroon = pymacaroons.Macaroon(LOCATION, identifier, root_key, version=pymacaroons.MACAROON_V2)
        caveats = [[3, user.id]]
        if projects:
            names = [canonicalize_name(project.name) for project in projects]
            caveats = [[1, names], [2, [project.id for project in projects]]]
        for caveat in caveats:
            macaroon.add_first_party_caveat(json.dumps(caveat, sort_keys=True, separators=(",", ":")))
        self._issued[identifier] = Issued(user.name, user.id, root_key)
        return "pypi-" + macaroon.serialize()

    def identify(self, authorization: str) -> Presented | None:
        """The token in an `authorization` header, if it is one of ours; its caveats are not looked at yet."""
        token = token_of(authorization)
        try:
            macaroon = macaroons.parse(token)
        except macaroons.NotAToken:
            return None
        issued = self._issued.get(macaroons.identifier_of(macaroon))
        if issued is None or macaroon.location != LOCATION:
            return None
        return Presented(macaroon, issued)


def judge(presented: Presented, project: Project | None, now_s: float) -> str | None:
    """Why the token may not upload to the project; none when it may."""
    upload = macaroons.Upload(
        now_s=int(now_s),
        user_id=presented.issued.user_id,
        project=project and project.name,
        project_id=project and project.id,
    )
    try:
        macaroons.judge(presented.macaroon, presented.issued.root_key, upload)
    except macaroons.Refused as refused:
        return str(refused)
    return None


def token_of(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    match scheme.lower():
        case "basic":
            try:
                user, _, password = base64.b64decode(credentials).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return ""
            return password if user == "__token__" else ""
        case "bearer" | "token":
            return credentials
        case _:
            return ""
