"""Judges a token: its signature, its caveats, and that it was narrowed before it was used."""

import json
import re
import uuid
from dataclasses import dataclass

import pymacaroons
from pymacaroons.exceptions import MacaroonException

# The policy of this index: a token that is sent over the network must be nearly spent.
MAX_LIFETIME_S = 15 * 60

EXPIRATION, PROJECT_NAME = 0, 1


class Refused(Exception):
    """The token does not do for this upload; the text is what the client is told."""


@dataclass(frozen=True)
class Issued:
    """What the index keeps of the token that it issued."""

    location: str
    identifier: str
    root_key: bytes
    user_id: str

    @classmethod
    def from_settings(cls, settings):
        return cls(
            location=settings["location"],
            identifier=settings["identifier"],
            root_key=bytes.fromhex(settings["root_key"]),
            user_id=settings["user_id"],
        )


def judge(issued, token, project, now):
    """Returns the caveats of a token that may upload to `project` at `now` (seconds); raises `Refused`."""
    macaroon = parse(token)
    if macaroon.location != issued.location or identifier_of(macaroon) != issued.identifier:
        raise Refused("Invalid or non-existent authentication information.")
    caveats = [parse_caveat(caveat.caveat_id) for caveat in macaroon.caveats]
    verify_signature(macaroon, issued.root_key)
    for caveat in caveats:
        failure = unmet(caveat, issued, project, now)
        if failure is not None:
            raise Refused(f"Invalid API Token: {failure}")
    if not is_narrowed(caveats, now):
        raise Refused("Invalid API Token: this index takes tokens narrowed to one project and 15 minutes only")
    return caveats


def parse(token):
    if not token.startswith("pypi-"):
        raise Refused("Invalid or non-existent authentication information.")
    encoded = token.removeprefix("pypi-")
    try:
        return pymacaroons.Macaroon.deserialize(encoded + "=" * (-len(encoded) % 4))
    # Whatever a client sends, it must not end in a failure of the server.
    except Exception:
        raise Refused("Invalid or non-existent authentication information.") from None


def identifier_of(macaroon):
    return text_of(macaroon.identifier)


def text_of(content):
    return content.decode("utf-8", errors="replace") if isinstance(content, bytes) else content


def parse_caveat(content):
    try:
        caveat = json.loads(text_of(content))
    except ValueError:
        caveat = None
    if not isinstance(caveat, list) or not caveat:
        raise Refused("Invalid API Token: malformed caveat")
    return caveat


def verify_signature(macaroon, root_key):
    verifier = pymacaroons.Verifier()
    verifier.satisfy_general(lambda _caveat: True)
    try:
        verifier.verify(macaroon, root_key)
    except MacaroonException:
        raise Refused("Invalid API Token: signatures do not match") from None


def unmet(caveat, issued, project, now):
    """Why the caveat is not met, or None when it is."""
    match caveat:
        case [0, int(expires_at), int(not_before)]:
            return None if not_before <= now < expires_at else "token is expired"
        case [1, [*names]]:
            return unmet_project(project, normalized(project or "") in names, f"project: {project!r}")
        case [2, [*ids]]:
            wanted = project_id(issued, project or "")
            return unmet_project(project, wanted in ids, f"project ID: {wanted}")
        case [3, str(user_id)]:
            return None if user_id == issued.user_id else "user-scoped token is not valid for this user"
        case [0 | 1 | 2 | 3, *_]:
            return "malformed caveat"
        case _:
            return "caveat has unknown tag"


def unmet_project(project, is_listed, what):
    if project is None:
        return "project-scoped token used outside of a project context"
    return None if is_listed else f"project-scoped token is not valid for {what}"


def is_narrowed(caveats, now):
    expires_soon = any(caveat[0] == EXPIRATION and caveat[1] - now <= MAX_LIFETIME_S for caveat in caveats)
    names_one_project = any(caveat[0] == PROJECT_NAME and len(caveat[1]) == 1 for caveat in caveats)
    return expires_soon and names_one_project


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def project_id(issued, project):
    """This index has no table of projects: a project's id follows from its name."""
    return str(uuid.uuid5(uuid.UUID(issued.user_id), normalized(project)))
