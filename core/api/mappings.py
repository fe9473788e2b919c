"""Routes for a connection's tables and mappings."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from core.api import cursor as cursors
from core.api.edge import CheckedRoute
from core.api.editions import Conditional, Settings, etag_of
from core.api.paging import Cursor, Limit, page_of
from core.api.services import ServicesDependency
from core.api.unreadable import unreadable_settings
from core.domain.connection import ConfigurationId
from core.domain.findings import why_not_mappable
from core.domain.mapping import FieldMapping, MappingRow
from core.domain.suggestion import Suggestion, suggested
from core.domain.table import Choice, Column, Table
from core.errors import InvalidInputError
from core.storage.mapping_versions import SavedVersion
from core.sync.ports import ConnectionSetup

router = APIRouter(prefix="/connections/{connection_id}", tags=["mappings"], route_class=CheckedRoute)

ConnectionPath = Annotated[ConfigurationId, Path(description="The connection's id, such as `contoso`.")]
TableName = Literal["lead", "contact", "account"]
ROWS_MOST = 500


class MappingInput(BaseModel):
    """What was read may be sent back as it is: the address says where to, and each save is a version of its own."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[list[MappingRow], Field(max_length=ROWS_MOST)]
    connection: Annotated[str | None, Field(description="As it was read; the address counts.")] = None
    table: Annotated[str | None, Field(description="As it was read; the address counts.")] = None
    version: Annotated[int | None, Field(description="As it was read; the next one is saved.")] = None
    saved_at: Annotated[datetime | None, Field(description="As it was read.")] = None


class MappingView(BaseModel):
    connection: str
    table: str
    version: int
    rows: list[MappingRow]


class VersionView(MappingView):
    """A version as it was saved. To go back to it, save its `rows` again."""

    saved_at: datetime


class VersionList(BaseModel):
    """The newest first."""

    items: list[VersionView]
    cursor: str | None = None


class SuggestionView(BaseModel):
    """A mapping to begin with: `rows` can be saved as they are, once `still_required` is empty."""

    rows: list[MappingRow]
    items: Annotated[list[Suggestion], Field(description="The same rows, each with its reason; the surest first.")]
    still_required: Annotated[list[str], Field(description="Required columns that nothing was found for.")]
    not_placed: Annotated[list[str], Field(description="Of the fields that were asked about: those without a column.")]


class TargetView(BaseModel):
    table: str
    name_column: Annotated[str, Field(description="The column that its rows are found by, unless a row says another.")]


class ColumnView(BaseModel):
    """A column as whoever edits a mapping needs it."""

    name: str
    label: str
    type: str
    format: str
    required: bool
    mappable: bool
    why_not: Annotated[str, Field(description="Why no mapping may write it; empty when one may.")]
    creatable: bool
    updatable: bool
    secured: Annotated[bool, Field(description="Only who has a column security profile for it may write it.")]
    max_length: int | None
    minimum: int | float | None
    maximum: int | float | None
    precision: int | None
    date_behavior: str
    choices: list[Choice]
    targets: list[TargetView]


class ColumnList(BaseModel):
    """In the order of their names."""

    items: list[ColumnView]
    cursor: str | None = None


@router.get("/tables/{table}/columns", summary="The columns of a table")
async def list_columns(
    connection_id: ConnectionPath,
    table: TableName,
    services: ServicesDependency,
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> ColumnList:
    """The table's columns as Dynamics describes them now."""
    live = await services.mappings.table(connection_id, table)
    asked = f"columns {connection_id} {table}"
    names, following = page_of(live.columns, str, limit=limit, cursor=cursor, asked=asked)
    return ColumnList(items=[_column_view(live.columns[name], live) for name in names], cursor=following)


@router.put("/mappings/{table}", responses={201: {"model": MappingView}}, summary="Save a mapping's next version")
async def save_mapping(
    connection_id: ConnectionPath,
    table: TableName,
    body: MappingInput,
    services: ServicesDependency,
    precondition: Conditional,
    response: Response,
) -> MappingView:
    """Saves the next version, if it fits the table as it is now; else 422 with every reason.

    Where there is a mapping with other rows, on condition of its ETag.
    """
    setup = await services.configuration.fresh_setup(connection_id)
    before = setup.mappings.get(table) if setup else None
    wanted = _settings(tuple(body.rows))
    precondition.check(f"mapping for {table}", _standing(setup, table), wanted)
    is_unreadable = setup is not None and table in setup.unreadable
    after = None if precondition.overwrites or is_unreadable else before.version if before else 0
    saved = await services.mappings.save(connection_id, table, tuple(body.rows), after=after)
    response.status_code = 201 if saved.version == 1 else 200
    response.headers["etag"] = etag_of(_settings(saved.rows))
    return _mapping_view(connection_id, saved)


@router.get("/mappings/{table}", summary="A mapping as it is in force")
async def read_mapping(
    connection_id: ConnectionPath, table: TableName, services: ServicesDependency, response: Response
) -> MappingView:
    setup = await services.configuration.fresh_setup(connection_id) or await services.mappings.setup(connection_id)
    if table in setup.unreadable:
        raise InvalidInputError(setup.unreadable[table], field="table", status=409)
    if table not in setup.mappings:
        raise InvalidInputError(f"There is no mapping for {table} on {connection_id}.", field="table", status=404)
    response.headers["etag"] = etag_of(_settings(setup.mappings[table].rows))
    return _mapping_view(connection_id, setup.mappings[table])


@router.get("/mappings/{table}/suggestion", summary="A mapping to begin with")
async def suggest_mapping(
    connection_id: ConnectionPath,
    table: TableName,
    services: ServicesDependency,
    field: Annotated[
        list[str], Query(max_length=ROWS_MOST, description="Fields of yours to find a column for; may be repeated.")
    ] = [],  # noqa: B006  # FastAPI makes a list of its own
) -> SuggestionView:
    """What Captello's standard fields, and the fields that are asked about, could be in this table."""
    live = await services.mappings.table(connection_id, table)
    found = suggested(live, field)
    return SuggestionView(
        rows=[suggestion.row for suggestion in found],
        items=found,
        still_required=_still_required(live, found),
        not_placed=_not_placed(field, found),
    )


@router.get("/mappings/{table}/versions", summary="Every version of a mapping")
async def list_versions(
    connection_id: ConnectionPath,
    table: TableName,
    services: ServicesDependency,
    limit: Annotated[int, Query(ge=1, le=100, description="How many at most.")] = 20,
    cursor: Cursor = None,
) -> VersionList:
    """Every version that was saved, the newest first. Log rows name the one that they ran under."""
    await services.mappings.setup(connection_id)
    asked = {"versions": f"{connection_id} {table}"}
    after = cursors.read(cursor, asked)
    before = int(after) if after and after.isdecimal() else None
    saved = await services.mapping_versions.newest(connection_id, table, most=limit + 1, before=before)
    following = cursors.written(str(saved[limit - 1].mapping.version), asked) if len(saved) > limit else None
    return VersionList(items=[_version_view(connection_id, each) for each in saved[:limit]], cursor=following)


@router.get("/mappings/{table}/versions/{version}", summary="One version of a mapping")
async def read_version(
    connection_id: ConnectionPath,
    table: TableName,
    version: Annotated[int, Path(ge=1, le=99_999_999)],
    services: ServicesDependency,
) -> VersionView:
    saved = await services.mapping_versions.one(connection_id, table, version)
    if saved is None:
        message = f"There is no version {version} of the mapping for {table} on {connection_id}."
        raise InvalidInputError(message, field="version", status=404)
    return _version_view(connection_id, saved)


def _column_view(column: Column, table: Table) -> ColumnView:
    why_not = why_not_mappable(column, table)
    shown = column.model_dump(exclude={"targets"})
    targets = [TargetView(table=target.table, name_column=target.name_column) for target in column.targets]
    return ColumnView(**shown, mappable=not why_not, why_not=why_not, targets=targets)


def _standing(setup: ConnectionSetup | None, table: str) -> Settings | None:
    if setup and table in setup.unreadable:
        return unreadable_settings(setup.unreadable[table])
    mapping = setup.mappings.get(table) if setup else None
    return _settings(mapping.rows) if mapping else None


def _settings(rows: tuple[MappingRow, ...]) -> dict[str, Any]:
    """Each column by itself, and their order."""
    columns = [row.column for row in rows]
    return {"order": columns, **{row.column: row.model_dump(mode="json", by_alias=True) for row in rows}}


def _mapping_view(connection_id: str, mapping: FieldMapping) -> MappingView:
    return MappingView(connection=connection_id, table=mapping.table, version=mapping.version, rows=list(mapping.rows))


def _version_view(connection_id: str, saved: SavedVersion) -> VersionView:
    view = _mapping_view(connection_id, saved.mapping)
    return VersionView(**dict(view), saved_at=saved.saved_at)


def _still_required(table: Table, found: Iterable[Suggestion]) -> list[str]:
    given = {suggestion.row.column for suggestion in found}
    return sorted(column.name for column in table.columns.values() if column.required and column.name not in given)


def _not_placed(fields: Iterable[str], found: Iterable[Suggestion]) -> list[str]:
    placed = {suggestion.row.source for suggestion in found}
    return [name for each in fields if (name := each.strip()) and name not in placed]
