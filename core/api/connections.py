"""Routes for connections, their tables and their mappings."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from core.admin.connections import ConnectionInput
from core.api.services import ServicesDependency
from core.domain.connection import ConfigurationId, Connection, Pause
from core.domain.mapping import FieldMapping, MappingRow
from core.domain.table import Column
from core.errors import InvalidInputError

router = APIRouter(prefix="/connections", tags=["connections"])

ConnectionPath = Annotated[ConfigurationId, Path(description="The connection's id, such as `contoso`.")]
TableName = Literal["lead", "contact", "account"]


class ConnectionView(BaseModel):
    """A connection as it is read back: never with its secret."""

    id: str
    name: str
    url: str
    tenant_id: str
    client_id: str
    environment: str
    secret_expires_on: date | None
    time_zone: str
    organization_id: str | None
    state: Literal["active", "paused"]
    pause: Pause | None


class ConnectionList(BaseModel):
    items: list[ConnectionView]


class MappingInput(BaseModel):
    rows: list[MappingRow]


class MappingView(BaseModel):
    connection: str
    table: str
    version: int
    rows: list[MappingRow]


class ColumnList(BaseModel):
    items: list[Column]


@router.get("")
async def list_connections(services: ServicesDependency) -> ConnectionList:
    connections = await services.configuration.connections()
    setups = [await services.mappings.setup(connection.id) for connection in connections]
    return ConnectionList(items=[_view(setup.connection, setup.pause) for setup in setups])


@router.put("/{connection_id}", responses={201: {"model": ConnectionView}})
async def save_connection(
    connection_id: ConnectionPath, body: ConnectionInput, services: ServicesDependency, response: Response
) -> ConnectionView:
    """Creates the connection (201) or changes it (200). One that cannot be reached is kept, paused, with the reason."""
    saved = await services.connections.save(connection_id, body)
    response.status_code = 201 if saved.is_new else 200
    return _view(saved.connection, saved.pause)


@router.get("/{connection_id}")
async def read_connection(connection_id: ConnectionPath, services: ServicesDependency) -> ConnectionView:
    setup = await services.mappings.setup(connection_id)
    return _view(setup.connection, setup.pause)


@router.get("/{connection_id}/tables/{table}/columns")
async def list_columns(connection_id: ConnectionPath, table: TableName, services: ServicesDependency) -> ColumnList:
    """The table's columns as Dynamics describes them now."""
    live = await services.mappings.table(connection_id, table)
    return ColumnList(items=sorted(live.columns.values(), key=lambda column: column.name))


@router.put("/{connection_id}/mappings/{table}", responses={201: {"model": MappingView}})
async def save_mapping(
    connection_id: ConnectionPath,
    table: TableName,
    body: MappingInput,
    services: ServicesDependency,
    response: Response,
) -> MappingView:
    """Saves the next version, if it fits the table as it is now; else 422 with every reason."""
    saved = await services.mappings.save(connection_id, table, tuple(body.rows))
    response.status_code = 201 if saved.version == 1 else 200
    return _mapping_view(connection_id, saved)


@router.get("/{connection_id}/mappings/{table}")
async def read_mapping(connection_id: ConnectionPath, table: TableName, services: ServicesDependency) -> MappingView:
    setup = await services.mappings.setup(connection_id)
    if table not in setup.mappings:
        raise InvalidInputError(f"There is no mapping for {table} on {connection_id}.", field="table", status=404)
    return _mapping_view(connection_id, setup.mappings[table])


def _view(connection: Connection, pause: Pause | None) -> ConnectionView:
    shown = connection.model_dump(exclude={"secret_version"})
    return ConnectionView(**shown, state="paused" if pause else "active", pause=pause)


def _mapping_view(connection_id: str, mapping: FieldMapping) -> MappingView:
    return MappingView(connection=connection_id, table=mapping.table, version=mapping.version, rows=list(mapping.rows))
