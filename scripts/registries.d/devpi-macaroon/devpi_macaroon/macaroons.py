"""Judges upload tokens as the public Python index does: macaroons whose caveats are JSON arrays with a tag first.

Shared by the devpi plugin and the index's double; verified with pymacaroons, as the public index does.
"""

import json
import re
from dataclasses import dataclass

import pymacaroons
from pymacaroons.exceptions import MacaroonException


class NotAToken(Exception):
    """What was presented is no macaroon with caveats of this index."""


class Refused(Exception):
    """The token does not do for this upload; the text is what the client is told."""


@dataclass(frozen=True)
class Upload:
    """What a token is judged for."""

    # Seconds since 1970.
    now_s: int
    # The user whose token it is.
    user_id: str
    # The project's name and id; none where there is no such project.
    project: str | None
    project_id: str | None


def parse(token):
    """The macaroon in a token; raises `NotAToken`."""
    if not token.startswith("pypi-"):
        raise NotAToken
    encoded = token.removeprefix("pypi-")
    try:
        return pymacaroons.Macaroon.deserialize(encoded + "=" * (-len(encoded) % 4))
    # Whatever a client sends, it must not end in a failure of the server.
    except Exception:
        raise NotAToken from None


def identifier_of(macaroon):
    return text_of(macaroon.identifier)


def judge(macaroon, root_key, upload):
    """Returns the caveats of a macaroon that may be used for `upload`; raises `Refused`."""
    caveats = [parse_caveat(caveat.caveat_id) for caveat in macaroon.caveats]
    verify_signature(macaroon, root_key)
    for caveat in caveats:
        failure = unmet(caveat, upload)
        if failure is not None:
            raise Refused(failure)
    return caveats


def text_of(content):
    return content.decode("utf-8", errors="replace") if isinstance(content, bytes) else content


def parse_caveat(content):
    try:
        caveat = json.loads(text_of(content))
    except ValueError:
        caveat = None
    if not isinstance(caveat, list) or not caveat:
        raise Refused("malformed caveat")
    return caveat


def verify_signature(macaroon, root_key):
    verifier = pymacaroons.Verifier()
    verifier.satisfy_general(lambda _caveat: True)
    try:
        verifier.verify(macaroon, root_key)
    except MacaroonException:
        raise Refused("signatures do not match") from None


def unmet(caveat, upload):
    """Why the caveat is not met, or None when it is."""
    match caveat:
        case [0, int(expires_at), int(not_before)]:
            return None if not_before <= upload.now_s < expires_at else "token is expired"
        case [1, [*names]]:
            is_listed = normalized(upload.project or "") in names
            return unmet_project(upload, is_listed, f"project: {upload.project!r}")
        case [2, [*ids]]:
            return unmet_project(upload, upload.project_id in ids, f"project ID: {upload.project_id}")
        case [3, str(user_id)]:
            return None if user_id == upload.user_id else "user-scoped token is not valid for this user"
        case [0 | 1 | 2 | 3, *_]:
            return "malformed caveat"
        case _:
            return "caveat has unknown tag"


def unmet_project(upload, is_listed, what):
    if upload.project is None:
        return "project-scoped token used outside of a project context"
    return None if is_listed else f"project-scoped token is not valid for {what}"


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()
