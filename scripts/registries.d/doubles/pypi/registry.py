"""The index as a whole, and how it is brought into a state.

Its commands beside those of all doubles:

  user      {"name", "has_verified_email", "has_two_factor"}: makes or changes an account
  project   {"name", "owner", "status", "file_limit_bytes", …}: makes or changes a project
  token     {"user", "projects"}: issues a token, answered with its text
  index     {"is_read_only", "are_uploads_disabled", "new_projects_left", "are_tokens_deleted", …}: changes the index
  release   {"project", "version", "created_at_s"}: changes a release's age
  insert    {"project", "version", "filename", "content"}: has a file, as if uploaded by somebody else; in base64
  remove    {"project"}: unmakes a project
  delete    {"filename"}: deletes a file; its name is never given again
  files     {"project"}: what is stored, contents in base64
  forms     {"project", "version"}: the form that made the release
"""

from __future__ import annotations

import base64

from packaging.utils import canonicalize_name
from packaging.version import Version

from ..control import Clock, change
from ..wire import Answer, Request
from .reads import read
from .store import File, Release, Store, User
from .tokens import Tokens
from .upload import upload


class Index:
    def __init__(self, base_url: str):
        self.clock = Clock()
        self._base_url = base_url
        self.store = Store()
        self._tokens = Tokens()
        self.commands = {
            "user": self._user,
            "project": self._project,
            "token": self._token,
            "index": lambda **changes: change(self.store, changes),
            "release": self._release,
            "insert": self._insert,
            "remove": self._remove,
            "delete": self._delete,
            "files": self._files,
            "forms": self._form,
        }

    def respond(self, request: Request) -> Answer:
        if request.method in ("GET", "HEAD"):
            return read(request, self.store, self._base_url, self.clock.now_s())
        if request.method != "POST" or request.path not in ("/legacy", "/legacy/"):
            return Answer(405, b"405 Method Not Allowed", {"content-type": "text/plain"})
        if request.path == "/legacy":
            return Answer(308, headers={"location": "/legacy/"})
        return upload(request, self.store, self._tokens, self.clock.now_s())

    def _user(self, name: str, **changes) -> None:
        change(self.store.users.setdefault(name, User(name)), changes)

    def _project(self, name: str, owner: str, **changes) -> None:
        project = self.store.project(name) or self.store.add_project(name, owner)
        change(project, {"owner": owner, **changes})

    def _token(self, user: str, projects: list[str] = ()) -> str:
        return self._tokens.issue(self.store.users[user], [self.store.project(name) for name in projects])

    def _release(self, project: str, version: str, created_at_s: float) -> None:
        self.store.project(project).releases[Version(version)].created_at_s = created_at_s

    def _remove(self, project: str) -> None:
        del self.store.projects[canonicalize_name(project)]

    def _insert(self, project: str, version: str, filename: str, content: str) -> None:
        filetype = "bdist_wheel" if filename.endswith(".whl") else "sdist"
        now_s = self.clock.now_s()
        file = File(filename, filetype, base64.b64decode(content), now_s)
        release = self.store.project(project).releases.setdefault(Version(version), Release(now_s, {}))
        release.files.append(file)

    def _delete(self, filename: str) -> None:
        for project in self.store.projects.values():
            for release in project.releases.values():
                release.files = [file for file in release.files if file.filename != filename]
        self.store.deleted_filenames.add(filename)

    def _files(self, project: str) -> dict[str, str]:
        known = self.store.project(project)
        return {file.filename: base64.b64encode(file.content).decode() for file in (known.files if known else [])}

    def _form(self, project: str, version: str) -> dict[str, list[str]]:
        return self.store.project(project).releases[Version(version)].form
