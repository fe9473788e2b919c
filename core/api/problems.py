"""Failures as RFC 9457 problem details that name the field and what would be accepted."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from core.admin.mappings import MappingRefused
from core.api.patterns import pattern_in_words
from core.errors import (
    InvalidInputError,
    MisconfiguredConnectionError,
    RetryableError,
    SyncError,
    UnreadableDocumentError,
)


class FieldError(BaseModel):
    field: Annotated[str, Field(description="A part of the body, a parameter or a header.", examples=["match.tables"])]
    message: str


class Problem(BaseModel):
    """A refusal, as of https://www.rfc-editor.org/rfc/rfc9457"""

    type: str = "about:blank"
    title: Annotated[str, Field(examples=["Unprocessable Content"])]
    status: Annotated[int, Field(examples=[422])]
    detail: Annotated[str, Field(description="A sentence for people: what is wrong, and what would be accepted.")]
    errors: Annotated[list[FieldError], Field(description="Each field that is to blame.")] = []


def add_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(SyncError, _failure)
    app.add_exception_handler(HTTPException, _http_error)


def problem_response(status: int, detail: str, errors: list[FieldError] | None = None) -> JSONResponse:
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors or [])
    return JSONResponse(problem.model_dump(), status, media_type="application/problem+json")


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [FieldError(field=_field(each["loc"]), message=_message(each)) for each in error.errors()]
    return problem_response(422, "; ".join(f"{each.field}: {each.message}" for each in errors), errors)


def _field(location: tuple[int | str, ...]) -> str:
    """Where in the body or address: `match.tables` rather than `body -> match -> tables`."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _message(error: dict[str, Any]) -> str:
    """In words: what a library says of a pattern or a count is for programmers."""
    told = error.get("ctx", {})
    match error["type"]:
        case "string_pattern_mismatch":
            return pattern_in_words(told["pattern"])
        case "too_short" | "string_too_short":
            return f"Give at least {told['min_length']} {_counted(error)}."
        case "too_long" | "string_too_long":
            return f"Give at most {told['max_length']} {_counted(error)}."
        case "model_attributes_type" | "model_type" | "dict_type":
            return 'Give a JSON object: {"…": …}.'
        case _:
            return str(error["msg"]).removeprefix("Value error, ")


def _counted(error: dict[str, Any]) -> str:
    """Secrets are counted as things of no kind."""
    is_text = error["type"].startswith("string") or error["ctx"].get("field_type") == "Value"
    return "characters" if is_text else "of them"


async def _failure(_: Request, error: Exception) -> JSONResponse:
    match error:
        case MappingRefused():
            errors = [FieldError(field=each.field, message=each.message) for each in error.findings]
            return problem_response(error.status, error.message, errors)
        case InvalidInputError():
            return problem_response(error.status, error.message, [FieldError(field=error.field, message=error.message)])
        case MisconfiguredConnectionError():
            return problem_response(409, error.message)
        case UnreadableDocumentError():
            return problem_response(409, error.message)
        case RetryableError():
            return problem_response(503, error.message)
        case _:
            return problem_response(502, str(error))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return problem_response(404, _nothing_at(request.url.path))
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "")
            answer = problem_response(405, f"{request.method} does nothing here; {allowed} would.")
            answer.headers.update(error.headers or {})
            return answer
        case _:
            return problem_response(error.status_code, str(error.detail))


def _nothing_at(path: str) -> str:
    if path.endswith("/"):
        return f"There is nothing at {path[:200]}: leave out the slash at its end."
    return "There is nothing at this address. /api/v1/openapi.json describes every one."
