"""Routes to take mappings and actions out as one file, and to put one in."""

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from core.admin.transfer import Change, Document
from core.api import yaml_document
from core.api.edge import CheckedRoute, check_storable
from core.api.services import ServicesDependency
from core.errors import InvalidInputError

router = APIRouter(tags=["transfer"], route_class=CheckedRoute)

_LARGEST = 4 * 1024 * 1024


class ImportView(BaseModel):
    """What was changed, or with `dry_run` what would be."""

    dry_run: bool
    changes: list[Change]


_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/yaml": {}, "application/json": {}}}}


@router.get("/export", response_class=Response, responses=_FILE, summary="Mappings and actions as one file")
async def export(
    services: ServicesDependency, format_: Annotated[Literal["yaml", "json"], Query(alias="format")] = "yaml"
) -> Response:
    """All mappings and actions as one file. It holds no connection and no secret."""
    document = (await services.transfers.exported()).plain()
    as_json = format_ == "json"
    text = await asyncio.to_thread(_as_text if as_json else yaml_document.written, document)
    name = {"content-disposition": f'attachment; filename="captello-dynamics.{format_}"'}
    return Response(text, media_type=f"application/{format_}", headers=name)


_EXAMPLE = """\
format: captello-dynamics/1
mappings:
- connection: contoso
  table: lead
  rows:
  - {source: LastName, column: lastname, default: (unknown)}
  - {source: Email, column: emailaddress1}
actions:
- id: booth
  connection: contoso
  match: {tables: leads, by: email}
  create: lead
"""
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}, "example": _EXAMPLE},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}


@router.post("/import", openapi_extra=_BODY, summary="Put such a file in")
async def import_(
    request: Request,
    services: ServicesDependency,
    dry_run: Annotated[bool, Query(description="Only tell what would change.")] = False,  # noqa: FBT002  # a query parameter
    overwrite: Annotated[bool, Query(description="Also what somebody has changed here since.")] = False,  # noqa: FBT002  # as above
) -> ImportView:
    """Puts a file in, YAML or JSON: saves what differs. Refused as a whole when anything in it is invalid, or (412) was
    changed here since the file was taken out.
    """
    document = await asyncio.to_thread(_document, await request.body())  # captures must not wait for it
    transfers = services.transfers
    changes = await (transfers.planned(document) if dry_run else transfers.imported(document, overwrites=overwrite))
    return ImportView(dry_run=dry_run, changes=changes)


def _document(body: bytes) -> Document:
    document = _read(body)
    check_storable(document)
    try:
        return Document.model_validate(document)
    except ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(errors) from error


def _as_text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def _as_json(text: str) -> Any:
    """None for what is YAML; the other way round JSON would not do, for its escapes are others."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _from_yaml(text: str) -> Any:
    if len(text) > yaml_document.TEXT_MOST:
        message = "YAML is read up to 1 MiB, JSON up to 4 MiB: export it with format=json."
        raise InvalidInputError(message, field="body", status=413)
    return yaml_document.read(text)


def _read(body: bytes) -> Any:
    if len(body) > _LARGEST:
        raise InvalidInputError("The file is larger than 4 MiB.", field="body", status=413)
    try:
        text = body.decode("utf-8-sig")
        return _as_json(text) or _from_yaml(text)
    except UnicodeDecodeError as error:
        raise InvalidInputError("The file is not in UTF-8.", field="body") from error
    except yaml_document.UnreadableYamlError as error:
        raise InvalidInputError(f"The file cannot be read: {error}", field="body") from error
