"""Refusals, told as the public index tells them: the reason is in the status line and in the answer's `code`."""

from __future__ import annotations

import html
from http import HTTPStatus

from ..wire import Answer, Refused, Request


def refuse(request: Request, status: int, reason: str) -> Refused:
    title = HTTPStatus(status).phrase
    # What a browser would be shown unless the client asks for JSON: then the reason is lost with HTTP/2.
    if "json" in request.header("accept"):
        answer = Answer.json(status, {"message": reason, "code": f"{status} {reason}", "title": title})
    else:
        page = f"<html><head><title>{status} {title}</title></head><body>{html.escape(reason)}</body></html>"
        answer = Answer(status, page.encode(), {"content-type": "text/html; charset=UTF-8"})
    answer.reason = reason.replace("\n", " ").encode("ascii", "replace").decode()
    return Refused(answer)
