"""The bearer token of a request → the application that sent it.

Duty: wrong or missing tokens, and tokens of another tenant, are told apart from good ones; whether a signature, an
audience and a time are right, `verify` says, which is handed in. What the application may, `callers` knows.
"""

from collections.abc import Callable, Mapping

from infra.local.dynamics import errors
from infra.local.dynamics.environment import Environment
from infra.local.dynamics.exchange import Answer, Request

Verify = Callable[[str, str], Mapping[str, object]]


def sender(environment: Environment, verify: Verify, request: Request) -> str:
    """The application's client id."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise errors.UnauthorizedError
    try:
        claims = verify(token.strip(), environment.url)
    except ValueError as problem:
        raise errors.UnauthorizedError from problem
    if environment.tenant_id not in {None, str(claims.get("tid")).lower()}:
        raise errors.UnauthorizedError
    return str(claims.get("appid") or claims.get("azp") or "")


def unauthorized(environment: Environment) -> Answer:
    """Without a body; the header as commonly seen [K]."""
    where = f"https://login.microsoftonline.com/{environment.tenant_id or 'common'}/oauth2/authorize"
    challenge = f"Bearer authorization_uri={where}, resource_id={environment.url}/"
    return Answer(401, {"WWW-Authenticate": challenge})
