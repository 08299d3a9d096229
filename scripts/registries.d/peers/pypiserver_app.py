"""Runs pypiserver, taking uploads with tokens whose signature and time are right.

It is not told the project when it judges a token, so that restrictions to projects are not looked at.

usage: python -m peers.pypiserver_app PORT PACKAGES SETTINGS
"""

import json
import sys
import time
from pathlib import Path

import pypiserver
import waitress
from devpi_macaroon import macaroons


def judge_by(settings: dict):
    def may_upload(user: str, password: str) -> bool:
        try:
            token = macaroons.parse(password)
            if user != "__token__" or macaroons.identifier_of(token) != settings["identifier"]:
                return False
            macaroons.verify_signature(token, bytes.fromhex(settings["root_key"]))
            caveats = [macaroons.parse_caveat(caveat.caveat_id) for caveat in token.caveats]
        except (macaroons.NotAToken, macaroons.Refused):
            return False
        return all(caveat[2] <= time.time() < caveat[1] for caveat in caveats if caveat[0] == 0)

    return may_upload


def main() -> None:
    port, packages, settings = sys.argv[1:]
    application = pypiserver.app(
        roots=[Path(packages)],
        authenticate=["update"],
        auther=judge_by(json.loads(Path(settings).read_text())),
        # With a password file it would judge by that.
        password_file=".",
        hash_algo="sha256",
        disable_fallback=True,
    )
    waitress.serve(application, host="127.0.0.1", port=int(port), threads=8)


main()
