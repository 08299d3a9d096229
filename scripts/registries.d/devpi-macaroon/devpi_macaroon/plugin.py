"""The hooks that devpi calls."""

import json
import time
from pathlib import Path

from devpi_server.config import hookimpl
from pyramid.httpexceptions import HTTPForbidden

from .judge import Issued, judge
from .macaroons import Refused

TOKEN_USER = "__token__"
GROUP = "macaroon-holders"


@hookimpl
def devpiserver_add_parser_options(parser):
    parser.addoption(
        "--macaroon-settings",
        metavar="FILE",
        default=None,
        help="JSON file with the issued token's location, identifier, root_key, user_id, and the log",
    )


@hookimpl
def devpiserver_auth_request(request, userdict, username, password):
    if username != TOKEN_USER or request is None:
        return None
    settings_file = request.registry["xom"].config.args.macaroon_settings
    if settings_file is None:
        return {"status": "reject"}
    settings = json.loads(Path(settings_file).read_text())
    project = uploaded_project(request)
    try:
        caveats = judge(Issued.from_settings(settings), password, project, int(time.time()))
    except Refused as refused:
        note(settings["log"], "refused", project, reason=str(refused))
        raise forbidden(str(refused)) from None
    note(settings["log"], "accepted", project, caveats=caveats)
    return {"status": "ok", "groups": [GROUP]}


def uploaded_project(request):
    """The project named in an upload's form; None for any other request."""
    if request.method == "POST" and request.POST.get(":action") == "file_upload":
        return request.POST.get("name")
    return None


def forbidden(reason):
    """The answer of the public index: the reason is in the status line and in the JSON body."""
    response = HTTPForbidden(detail=reason)
    response.status = f"{response.status_code} {reason}"
    return response


def note(log, outcome, project, **more):
    line = json.dumps({"time": int(time.time()), "outcome": outcome, "project": project, **more})
    with open(log, "a", encoding="utf-8") as file:
        file.write(line + "\n")
