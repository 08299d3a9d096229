"""Which tokens this index takes: the one that it issued, narrowed before it was used."""

import uuid
from dataclasses import dataclass

from . import macaroons
from .macaroons import NotAToken, Refused, Upload, identifier_of, normalized, parse

# The policy of this index: a token that is sent over the network must be nearly spent.
MAX_LIFETIME_S = 15 * 60

EXPIRATION, PROJECT_NAME = 0, 1
UNKNOWN_TOKEN = "Invalid or non-existent authentication information."


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
    try:
        macaroon = parse(token)
    except NotAToken:
        raise Refused(UNKNOWN_TOKEN) from None
    if macaroon.location != issued.location or identifier_of(macaroon) != issued.identifier:
        raise Refused(UNKNOWN_TOKEN)
    # This index has no table of projects: a project's id follows from its name.
    project_id = str(uuid.uuid5(uuid.UUID(issued.user_id), normalized(project or "")))
    upload = Upload(now_s=now, user_id=issued.user_id, project=project, project_id=project_id)
    try:
        caveats = macaroons.judge(macaroon, issued.root_key, upload)
    except Refused as refused:
        raise Refused(f"Invalid API Token: {refused}") from None
    if not is_narrowed(caveats, now):
        raise Refused("Invalid API Token: this index takes tokens narrowed to one project and 15 minutes only")
    return caveats


def is_narrowed(caveats, now):
    expires_soon = any(caveat[0] == EXPIRATION and caveat[1] - now <= MAX_LIFETIME_S for caveat in caveats)
    names_one_project = any(caveat[0] == PROJECT_NAME and len(caveat[1]) == 1 for caveat in caveats)
    return expires_soon and names_one_project
