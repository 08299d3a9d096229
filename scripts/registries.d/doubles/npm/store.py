"""What the registry keeps: tokens, packages, versions, staged versions."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field

# What may be the matter with a token; the registry answers each differently.
STANDINGS = (
    "valid",
    "expired",
    "stage-only",
    "without-bypass",
    "one-time-password",
    "other-address",
    "other-packages",
    "read-only",
)


@dataclass
class Token:
    user: str
    standing: str = "valid"


@dataclass
class Version:
    document: dict
    tarball: bytes
    tag: str
    accepted_at_s: float
    # Held back by the scanner, for good.
    is_blocked: bool = False
    # Taken back; its number is never given again.
    is_unpublished: bool = False

    @property
    def shasum(self) -> str:
        return hashlib.sha1(self.tarball).hexdigest()


@dataclass
class Stage:
    """A version that waits for a person's approval."""

    package: str
    version: str
    content: Version
    actor: str
    access: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Package:
    name: str
    tags: dict[str, str] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)
    # Changes with every write to the package's document.
    revision: int = 1
    # Takes one-time passwords only, whatever the token may bypass.
    disallows_tokens: bool = False

    @property
    def rev(self) -> str:
        return f"{self.revision}-{hashlib.md5(f'{self.name} {self.revision}'.encode()).hexdigest()}"


class Store:
    def __init__(self):
        self.tokens: dict[str, Token] = {}
        self.packages: dict[str, Package] = {}
        self.stages: dict[str, Stage] = {}
        # What a person's authenticator shows now.
        self.one_time_password = "000000"
        # How long the scanner takes for a version, in seconds.
        self.scan_s = 0.0
        # How long a staged version waits before it is dropped, in seconds.
        self.stage_lifetime_s = 7 * 24 * 60 * 60.0
        # How new versions are signed: `truly`, `falsely` (over another version) or `not`.
        self.signing = "truly"
        # Names that are too close to those of others.
        self.names_too_similar: list[str] = []
        # What the scanner refuses, by name.
        self.names_refused_by_scanner: list[str] = []
        # Sent along with every answer to a write, when not empty.
        self.npm_notice = ""
        self.are_ranges_served = True

    def is_visible(self, version: Version, now_s: float) -> bool:
        scanned = now_s >= version.accepted_at_s + self.scan_s
        return scanned and not version.is_blocked and not version.is_unpublished

    def visible_versions(self, package: Package, now_s: float) -> dict[str, Version]:
        return {name: version for name, version in package.versions.items() if self.is_visible(version, now_s)}

    def waiting_stages(self, now_s: float) -> list[Stage]:
        return [stage for stage in self.stages.values() if now_s < stage.content.accepted_at_s + self.stage_lifetime_s]
