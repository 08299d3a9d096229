"""Staged versions: listed and read with a token, approved and rejected with a person's one-time password."""

from __future__ import annotations

from ..wire import Answer, Request, moment, ranged
from .access import authenticate, error, require_one_time_password
from .publish import add, check_version_is_free
from .store import Stage, Store

MAX_PER_PAGE = 100


def list_stages(request: Request, store: Store, now_s: float) -> Answer:
    """`GET /-/stage?package=&page=&perPage=`, newest first."""
    authorize(request, store)
    try:
        page, per_page = (int(request.query.get(name, value)) for name, value in (("page", "0"), ("perPage", "10")))
    except ValueError:
        raise error(400, "page and perPage are numbers") from None
    if page < 0 or not 1 <= per_page <= MAX_PER_PAGE:
        raise error(400, f"perPage is 1 to {MAX_PER_PAGE}")
    wanted = request.query.get("package")
    stages = [stage for stage in reversed(store.waiting_stages(now_s)) if wanted in (None, stage.package)]
    items = [item(stage) for stage in stages[page * per_page : (page + 1) * per_page]]
    return Answer.json(200, {"items": items, "page": page, "perPage": per_page, "total": len(stages)})


def view(request: Request, store: Store, stage_id: str, now_s: float) -> Answer:
    """`GET /-/stage/{id}`."""
    authorize(request, store)
    return Answer.json(200, item(find(store, stage_id, now_s)))


def tarball(request: Request, store: Store, stage_id: str, now_s: float) -> Answer:
    """`GET /-/stage/{id}/tarball`."""
    authorize(request, store)
    return ranged(request, find(store, stage_id, now_s).content.tarball, store.are_ranges_served)


def approve(request: Request, store: Store, stage_id: str, now_s: float) -> Answer:
    """`POST /-/stage/{id}/approve`: from now on it is a version like any other."""
    authorize(request, store)
    stage = find(store, stage_id, now_s)
    require_one_time_password(request, store)
    del store.stages[stage_id]
    package = store.packages[stage.package]
    check_version_is_free(store, package, stage.version, now_s)
    stage.content.accepted_at_s = now_s
    add(package, stage.version, stage.content)
    return Answer.json(201, {"message": "Package version approved and published successfully."})


def reject(request: Request, store: Store, stage_id: str, now_s: float) -> Answer:
    """`DELETE /-/stage/{id}`."""
    authorize(request, store)
    find(store, stage_id, now_s)
    require_one_time_password(request, store)
    del store.stages[stage_id]
    return Answer(204)


def authorize(request: Request, store: Store) -> None:
    if authenticate(request, store).standing == "expired":
        raise error(401, "Unauthorized")


def find(store: Store, stage_id: str, now_s: float) -> Stage:
    found = next((stage for stage in store.waiting_stages(now_s) if stage.id == stage_id), None)
    if found is None:
        raise error(404, "no such staged package version")
    return found


def item(stage: Stage) -> dict:
    return {
        "id": stage.id,
        "packageName": stage.package,
        "version": stage.version,
        "tag": stage.content.tag,
        "createdAt": moment(stage.content.accepted_at_s),
        "actor": stage.actor,
        "actorType": "user",
        "access": stage.access,
        "shasum": stage.content.shasum,
        "status": "pending",
    }
