"""Routes for connections. Their tables and mappings have a file of their own."""

import asyncio
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from core.admin.connections import ConnectionInput, CredentialInput
from core.admin.waiting import waiting
from core.api.edge import CheckedRoute
from core.api.editions import Conditional, Repeats, Settings, check_free, etag_of
from core.api.paging import Cursor, page_of
from core.api.services import ServicesDependency
from core.api.unreadable import Unreadables, unreadable_settings, unreadable_views
from core.bootstrap import Services
from core.domain.check import CheckResult
from core.domain.check_steps import CheckStep
from core.domain.connection import REVOKED, ConfigurationId, Connection, CredentialKind, Pause
from core.domain.expiry import expiry_threshold
from core.errors import UnreadableDocumentError
from core.sync.ports import Any_

router = APIRouter(prefix="/connections", tags=["connections"], route_class=CheckedRoute)

_EDITED = {"name", "url", "tenant_id", "client_id", "environment", "secret_expires_on", "time_zone"}

ConnectionPath = Annotated[ConfigurationId, Path(description="The connection's id, such as `contoso`.")]


class CheckView(BaseModel):
    """What the last check found: each step passed, failed, was skipped, or noted something worth knowing."""

    passed: bool
    checked_at: datetime
    steps: list[CheckStep]


class ConnectionView(BaseModel):
    """A connection as it is read back: never with its credential."""

    id: str
    name: str
    url: str
    tenant_id: str
    client_id: str
    environment: str
    credential: CredentialKind
    certificate_thumbprint: str
    secret_expires_on: date | None
    secret_expires_in_days: int | None
    expiry_warning: Annotated[int | None, Field(description="30, 14, 7 or 1, when no more days than that are left.")]
    time_zone: str
    organization_id: str | None
    state: Literal["active", "paused", "revoked"]
    pause: Pause | None
    waiting: Annotated[int, Field(description="Deliveries that are not over; counted up to 1000.")]
    waiting_elsewhere: Annotated[
        dict[str, int], Field(description="By organisation that it pointed to before: they wait until it points back.")
    ]
    check: CheckView | None


class ConnectionList(BaseModel):
    """In the order of their ids."""

    items: list[ConnectionView]
    cursor: str | None = None
    unreadable: Unreadables = []


class NewConnection(ConnectionInput):
    id: ConfigurationId


class RevokeInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    confirm: Annotated[str, Field(description="The connection's id: revoking erases its credential.")]


class RevokedView(BaseModel):
    connection: ConnectionView
    erased: Annotated[
        Literal["purged", "deleted", "absent"],
        Field(description="What became of the credential; `deleted`: the vault keeps it for its retention period."),
    ]


@router.get("", summary="Connected environments")
async def list_connections(
    services: ServicesDependency,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 100,
    cursor: Cursor = None,
) -> ConnectionList:
    found = await services.configuration.every_connection()
    some, following = page_of(found.items, lambda each: each.id, limit=limit, cursor=cursor, asked="connections")
    views = await asyncio.gather(*(_view(services, connection.id) for connection in some))
    return ConnectionList(items=list(views), cursor=following, unreadable=unreadable_views(found.unreadable))


@router.post("", status_code=201, summary="Connect an environment")
async def create_connection(
    body: NewConnection, services: ServicesDependency, response: Response, repeats: Repeats = None
) -> ConnectionView:
    """Creates the connection, and checks it. One that cannot be reached is kept, paused, with the reason."""
    given = ConnectionInput.model_validate(body.model_dump(exclude={"id"}, exclude_unset=True))
    current, before = await _standing(services, body.id)
    check_free(f"connection {body.id}", current, await _wanted(services, before, given), repeats)
    if current is None:
        await services.connections.save(body.id, given, before=None)
    response.headers["location"] = f"/api/v1/connections/{body.id}"
    return await _tagged(services, await _checked_view(services, body.id), response)


@router.put("/{connection_id}", responses={201: {"model": ConnectionView}}, summary="Create or change a connection")
async def save_connection(
    connection_id: ConnectionPath,
    body: ConnectionInput,
    services: ServicesDependency,
    precondition: Conditional,
    response: Response,
) -> ConnectionView:
    """Creates the connection (201) or, on condition of its ETag, changes it (200), and checks it.

    A new one that cannot be reached is kept, paused, with the reason. A change that does not work is refused with the
    finding, and what was saved before stays in use.
    """
    current, before = await _standing(services, connection_id)
    wanted = await _wanted(services, before, body)
    precondition.check(f"connection {connection_id}", current, wanted)
    if current is None or current != wanted:
        await services.connections.save(connection_id, body, before="any" if precondition.overwrites else before)
    response.status_code = 201 if current is None else 200
    return await _tagged(services, await _checked_view(services, connection_id), response)


@router.get("/{connection_id}", summary="A connection with its state")
async def read_connection(
    connection_id: ConnectionPath, services: ServicesDependency, response: Response
) -> ConnectionView:
    view = await _view(services, connection_id)
    return await _tagged(services, view, response)


@router.post("/{connection_id}/check", summary="Look at everything that a connection needs")
async def check_connection(connection_id: ConnectionPath, services: ServicesDependency) -> CheckView:
    """Looks at everything a connection needs, step by step. One that was paused and works again goes on."""
    return _check_view(await services.checks.run(connection_id))


@router.put("/{connection_id}/secret", summary="Replace the secret or certificate")
async def replace_credential(
    connection_id: ConnectionPath, body: CredentialInput, services: ServicesDependency
) -> ConnectionView:
    """Tries the new credential, then puts it to use. One that does not work leaves the old one in use (422)."""
    await services.connections.replace_credential(connection_id, body)
    return await _checked_view(services, connection_id)


@router.post("/{connection_id}/revoke", summary="Erase the secret and stop all sending")
async def revoke_connection(
    connection_id: ConnectionPath, body: RevokeInput, services: ServicesDependency
) -> RevokedView:
    """Erases the credential and stops all sending; what waits goes on when a new credential is saved."""
    erased = await services.revocation.revoke(connection_id, confirm=body.confirm)
    return RevokedView(connection=await _view(services, connection_id), erased=erased)


async def _tagged(services: Services, view: ConnectionView, response: Response) -> ConnectionView:
    setup = await services.configuration.fresh_setup(view.id)
    if setup:
        response.headers["etag"] = etag_of(_settings(setup.connection))
    return view


def _settings(connection: Connection) -> dict[str, Any]:
    """What an editor changes. That the organisation was learnt meanwhile is nobody's edit."""
    said = connection.model_dump(mode="json", include=_EDITED)
    return said | {"credential": [connection.secret_version, connection.secret_generation, connection.revoked_at]}


async def _standing(services: Services, connection_id: str) -> tuple[Settings | None, Connection | Any_ | None]:
    """Its settings, and as it is; of one that cannot be read, what stands for them, and whatever it is."""
    match await services.connections.known(connection_id):
        case UnreadableDocumentError() as error:
            return unreadable_settings(error.message), "any"
        case known:
            return (_settings(known), known) if known else (None, None)


async def _wanted(
    services: Services, before: Connection | Any_ | None, given: ConnectionInput
) -> dict[str, Any] | None:
    """As it would be; None where a credential or organisation comes with it that is not the one in use."""
    if before is None or before == "any" or given.organization_id not in (None, before.organization_id):
        return None
    if not await services.connections.is_in_use(before, given):
        return None
    said = given.model_dump(mode="json", include=_EDITED)
    said |= {"name": given.name or before.id, "url": services.connections.address(given)}
    if "secret_expires_on" not in given.model_fields_set:
        del said["secret_expires_on"]
    return _settings(before) | said


async def _checked_view(services: Services, connection_id: str) -> ConnectionView:
    await services.checks.run(connection_id)
    return await _view(services, connection_id)


async def _view(services: Services, connection_id: str) -> ConnectionView:
    setup = await services.mappings.setup(connection_id)
    connection, counted = setup.connection, await waiting(services.ledger, setup.connection)
    ends, today = connection.secret_expires_on, datetime.now(UTC).date()
    return ConnectionView(
        **{name: value for name, value in connection if name in ConnectionView.model_fields},
        secret_expires_in_days=(ends - today).days if ends else None,
        expiry_warning=expiry_threshold(ends, today),
        state="revoked" if connection.revoked_at else "paused" if setup.pause else "active",
        pause=REVOKED if connection.revoked_at else setup.pause,
        waiting=counted.here,
        waiting_elsewhere=counted.elsewhere,
        check=_check_view(setup.check) if setup.check else None,
    )


def _check_view(result: CheckResult) -> CheckView:
    return CheckView(passed=result.passed, checked_at=result.checked_at, steps=list(result.steps))
