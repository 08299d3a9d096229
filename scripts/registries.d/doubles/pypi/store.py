"""What the index keeps: users, projects, releases, files."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from functools import cached_property

from packaging.utils import canonicalize_name
from packaging.version import Version

MIB = 1024 * 1024


@dataclass
class User:
    name: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    has_verified_email: bool = True
    has_two_factor: bool = True


@dataclass
class File:
    filename: str
    # `sdist` or `bdist_wheel`.
    filetype: str
    content: bytes
    uploaded_at_s: float
    yanked: bool = False

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def blake2b_256(self) -> str:
        return hashlib.blake2b(self.content, digest_size=32).hexdigest()

    @cached_property
    def md5(self) -> str:
        return hashlib.md5(self.content).hexdigest()

    @property
    def path(self) -> str:
        """Where the file lies below the files' base URL."""
        digest = self.blake2b_256
        return f"{digest[:2]}/{digest[2:4]}/{digest[4:]}/{self.filename}"


@dataclass
class Release:
    created_at_s: float
    # The form of the first upload; later ones do not change it.
    form: dict[str, list[str]]
    files: list[File] = field(default_factory=list)


@dataclass
class Project:
    # As first uploaded.
    name: str
    owner: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    # `active`, `archived`, `quarantined`.
    status: str = "active"
    is_organization_in_good_standing: bool = True
    file_limit_bytes: int = 100 * MIB
    total_limit_bytes: int = 10 * 1024 * MIB
    releases: dict[Version, Release] = field(default_factory=dict)

    @property
    def files(self) -> list[File]:
        return [file for release in self.releases.values() for file in release.files]


class Store:
    def __init__(self):
        self.users: dict[str, User] = {}
        # By normalised name.
        self.projects: dict[str, Project] = {}
        # Names that are never given again.
        self.deleted_filenames: set[str] = set()
        self.is_read_only = False
        self.are_uploads_disabled = False
        # How many more projects may be made before that is too many.
        self.new_projects_left = 20
        # Whether their owners have deleted all tokens on the website.
        self.are_tokens_deleted = False
        # How long a new file stays invisible, in seconds.
        self.visible_after_s = 0.0

    def project(self, name: str) -> Project | None:
        return self.projects.get(canonicalize_name(name))

    def add_project(self, name: str, owner: str) -> Project:
        project = self.projects[canonicalize_name(name)] = Project(name, owner)
        return project

    def file(self, filename: str) -> File | None:
        return next((file for file in self._files() if file.filename == filename), None)

    def file_with_content(self, blake2b_256: str) -> File | None:
        return next((file for file in self._files() if file.blake2b_256 == blake2b_256), None)

    def _files(self):
        return (file for project in self.projects.values() for file in project.files)
