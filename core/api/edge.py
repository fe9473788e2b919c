"""What every request must keep to before a route sees it.

A body of a bearable size that is JSON and says so, holds nothing that could not be kept, and no parameter in the
address that nobody reads: a misspelt filter would otherwise look as if it had been kept to.
"""

import json
from collections.abc import Callable, Coroutine, Iterator
from email.message import Message
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from typing_extensions import override

from core.domain.storable import unstorable
from core.errors import InvalidInputError

BODY_MOST = 2 * 1024 * 1024  # of JSON; files of people have a bound of their own
_AS_IT_WAS_SENT = "/api/v1/quarantine/"  # what is mended there is somebody else's text
_OF_THE_HOST = {"code", "clientId"}  # the function key, and whose it is

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class CheckedRoute(APIRoute):
    @override
    def get_route_handler(self) -> Handler:
        handle, known = super().get_route_handler(), frozenset(_query_names(self.dependant))
        takes_json = self.body_field is not None

        async def checked(request: Request) -> Response:
            _check_query(request, known)
            if takes_json:
                _check_json(await request.body(), request.headers.get("content-type", ""), request.url.path)
            return await handle(request)

        return checked


def read_json(text: str | bytes, *, allows_control: bool = False) -> Any:
    """The document, if it can be kept. Raises InvalidInputError, RequestValidationError."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"The body is no JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise InvalidInputError(message, field="body", status=400) from error
    except UnicodeDecodeError as error:
        message = "The body cannot be read: it has to be JSON in UTF-8."
        raise InvalidInputError(message, field="body", status=400) from error
    except (ValueError, RecursionError) as error:
        message = "The body cannot be read: it is nested too deeply, or holds a number of thousands of digits."
        raise InvalidInputError(message, field="body", status=400) from error
    check_storable(document, allows_control=allows_control)
    return document


def check_storable(document: object, *, allows_control: bool = False) -> None:
    """Raises RequestValidationError that names each place."""
    found = [_error(("body", *path), why) for path, why in unstorable(document, allows_control=allows_control)]
    if found:
        raise RequestValidationError(found)


def _check_json(body: bytes, content_type: str, path: str) -> None:
    if not body:
        return  # whether one is needed, the route knows
    if len(body) > BODY_MOST:
        raise InvalidInputError(f"The body is larger than {BODY_MOST // 1024 // 1024} MiB.", field="body", status=413)
    if not _is_json(content_type):
        message = "Send JSON, and say so with the header content-type: application/json."
        raise InvalidInputError(message, field="content-type", status=415)
    read_json(body, allows_control=path.startswith(_AS_IT_WAS_SENT))


def _is_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


def _check_query(request: Request, known: frozenset[str]) -> None:
    unknown = sorted(set(request.query_params) - known - _OF_THE_HOST)
    if unknown:
        takes = f"known here: {', '.join(sorted(known))}" if known else "none is known here"
        message = f"There is no such parameter; {takes}."
        raise RequestValidationError([_error(("query", name[:200]), message) for name in unknown[:20]])


def _query_names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _query_names(inner)


def _error(location: tuple[str | int, ...], message: str) -> dict[str, Any]:
    return {"type": "value_error", "loc": location, "msg": message, "input": None}
