"""Who is asking, and whether they may: the many ways in which the registry says no to a token."""

from __future__ import annotations

from ..wire import Answer, Refused, Request
from .store import Store, Token

NOT_FOUND = "could not be found or you do not have permission to access it"
ONE_TIME_PASSWORD = "You must provide a one-time pass. Upgrade your client to npm@latest in order to use 2FA."
STAGE_REQUIRED = "This token may only stage packages: run npm stage publish"
BYPASS_REQUIRED = (
    "Two-factor authentication or granular access token with bypass 2fa enabled is required to publish packages."
)


def error(status: int, text: str, **headers: str) -> Refused:
    return Refused(Answer.json(status, {"error": text}, **headers))


def authenticate(request: Request, store: Store) -> Token:
    """The token in a request, in whatever standing; raises `Refused` when it is none of the registry's."""
    scheme, _, text = request.header("authorization").partition(" ")
    token = store.tokens.get(text) if scheme.lower() == "bearer" else None
    if token is None:
        raise error(401, "Unauthorized")
    if token.standing == "other-address":
        raise error(401, "Login is not allowed from your IP address", www_authenticate="ipaddress")
    return token


def authorize_write(request: Request, store: Store, name: str) -> Token:
    """The token, if it may change the package; raises `Refused` otherwise."""
    token = authenticate(request, store)
    # Dead tokens, and those without a right to the name, are told that there is no such package.
    if token.standing in ("expired", "other-packages"):
        raise error(404, f"'{name}' {NOT_FOUND}")
    if token.standing == "read-only":
        raise error(403, "You do not have permission to publish this package.")
    return token


def authorize_publish(request: Request, store: Store, name: str) -> Token:
    """The token, if it may publish the package directly; raises `Refused` otherwise."""
    token = authorize_write(request, store, name)
    if token.standing == "stage-only":
        raise Refused(Answer.json(403, {"error": STAGE_REQUIRED, "code": "E_STAGE_REQUIRED"}))
    if token.standing == "without-bypass":
        raise error(403, BYPASS_REQUIRED)
    package = store.packages.get(name)
    # The first version of a name is a person's to publish.
    if token.standing == "one-time-password" or package is None or package.disallows_tokens:
        require_one_time_password(request, store)
    return token


def require_one_time_password(request: Request, store: Store) -> None:
    if request.header("npm-otp") == store.one_time_password:
        return
    # Clients that say so are sent to a page instead of being asked for digits.
    if request.header("npm-auth-type") == "web":
        page = {"authUrl": "https://npm.registry.example/auth", "doneUrl": "https://npm.registry.example/done"}
        raise Refused(Answer.json(401, {"error": ONE_TIME_PASSWORD, **page}, www_authenticate="OTP"))
    raise error(401, ONE_TIME_PASSWORD, www_authenticate="OTP")
