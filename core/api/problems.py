"""Failures as RFC 9457 problem details that name the field and what would be accepted."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from core.admin.mappings import MappingRefused
from core.errors import InvalidInputError, MisconfiguredConnectionError, RetryableError, SyncError


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
    return str(error["msg"]).removeprefix("Value error, ")


async def _failure(_: Request, error: Exception) -> JSONResponse:
    match error:
        case MappingRefused():
            errors = [FieldError(field=each.field, message=each.message) for each in error.findings]
            return problem_response(422, error.message, errors)
        case InvalidInputError():
            return problem_response(error.status, error.message, [FieldError(field=error.field, message=error.message)])
        case MisconfiguredConnectionError():
            return problem_response(409, error.message)
        case RetryableError():
            return problem_response(503, error.message)
        case _:
            return problem_response(502, str(error))


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.BAD_REQUEST:  # the only one FastAPI raises: while it decodes a body
        message = "The body cannot be read: it has to be JSON in UTF-8."
        return problem_response(error.status_code, message, [FieldError(field="body", message=message)])
    return problem_response(error.status_code, str(error.detail))
