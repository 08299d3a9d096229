"""Reads what a Python index shows of a project, with pip's own session and configuration.

usage: python3 pip_project.py PROJECT VERSION_URL

VERSION_URL is the base of the index's version documents, or empty. Prints one JSON object: the project's page of the
simple API, null if there is none, and the document of its latest version with the project's roles, if there is one.
"""

import json
import sys

from pip._internal.commands import create_command
from pip._vendor.packaging.version import InvalidVersion, Version

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"


def get_json(session, url, accept):
    answer = session.get(url, headers={"Accept": accept, "Cache-Control": "max-age=0"})
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    if "json" not in answer.headers.get("Content-Type", ""):
        sys.exit(f"{url} did not answer in JSON: this index has no JSON form of the simple API")
    return answer.json()


def latest(versions):
    def number(text):
        try:
            return Version(text)
        except InvalidVersion:
            return Version("0")

    return max(versions, key=number, default=None)


def main():
    project, version_url = sys.argv[1:3]
    command = create_command("download")
    with command.main_context():
        options, _ = command.parse_args(["--no-deps"])
        session = command.get_default_session(options)
        page = get_json(session, f"{options.index_url.rstrip('/')}/{project}/", SIMPLE_JSON)
        document = None
        version = latest((page or {}).get("versions") or [])
        if version_url and version:
            address = f"{version_url.rstrip('/')}/{project}/{version}/json"
            document = get_json(session, address, "application/json")
    print(json.dumps({"page": page, "version_document": document}))


main()
