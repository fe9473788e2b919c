"""Route to erase one person everywhere here."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from core.api.asking import Asking
from core.api.edge import CheckedRoute
from core.api.logs import all_connections, prospect_index
from core.api.prospects import NAME, ProspectPath, connection_of, named, of_email
from core.api.services import ServicesDependency
from core.bootstrap import Services
from core.domain.email_address import normal_email
from core.domain.prospect import Prospect
from core.domain.values import as_text
from core.errors import InvalidInputError
from core.storage.log_pages import LogQuery
from core.storage.prospects import Named

router = APIRouter(prefix="/prospects", tags=["prospects"], route_class=CheckedRoute)


class EraseInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    confirm: Annotated[str, Field(description="The prospect's id: nothing brings the person back.", max_length=200)]


class InDynamics(BaseModel):
    table: str
    record_id: str
    record_url: str


class ErasedView(BaseModel):
    """What was taken away. The rows in Dynamics are not ours to erase: they are listed."""

    prospects: Annotated[list[str], Field(description="This one, and who was captured by the same address without id.")]
    deliveries: Annotated[int, Field(description="Captures and edits whose words and log rows were emptied.")]
    bodies: Annotated[int, Field(description="Unreadable bodies of theirs that were kept.")]
    in_dynamics: list[InDynamics]
    same_address: Annotated[list[str], Field(description="Other prospects that gave the same address.")]
    is_all: Annotated[bool, Field(description="Whether nothing is left; else ask again.")]


@router.post("/{prospect_id}/erase", summary="Erase a person everywhere here")
async def erase_prospect(
    prospect_id: ProspectPath,
    body: EraseInput,
    services: ServicesDependency,
    who: Asking,
) -> ErasedView:
    """As a prospect, in deliveries, in the log and its indexes, in the quarantine. Counts stay as they are.

    Refused (409) while captures of the person are on their way. Who asked is kept in the table `Audit`. Uploads of bulk
    actions are kept as long as all of them are.
    """
    if body.confirm != prospect_id:
        raise InvalidInputError(f"To erase this person for good, say {prospect_id} here.", field="confirm")
    name = prospect_id if NAME.fullmatch(prospect_id) else prospect_index(prospect_id)
    others = await _others(services, name)
    await services.revealing.keep(who=who, what=f"erased prospect {name}", people=1)
    names = [name, *(each.name for each in others if each.prospect.id is None)]
    done = await services.erasure.erase(list(dict.fromkeys(names)))
    shown = [await _in_dynamics(services, *row) for row in sorted(done.rows)]
    return ErasedView(
        prospects=names,
        deliveries=done.deliveries,
        bodies=done.bodies,
        in_dynamics=shown,
        same_address=[each.name for each in others if each.prospect.id is not None],
        is_all=done.is_all,
    )


async def _others(services: Services, name: str) -> list[Named]:
    """With an address of the prospect's. Raises InvalidInputError where nobody is called so."""
    organizations = await services.places.organizations()
    found = [await named(services, name, [each]) for each in organizations]
    known = [each for each in found if each]
    if not known and not await _has_rows(services, name):
        raise InvalidInputError(f"There is no prospect {name}.", field="prospect_id", status=404)
    addresses = {address for each in known for address in _addresses(each.prospect)}
    others = [other for address in sorted(addresses) for other in await of_email(services, address, organizations)]
    return list({each.name: each for each in others if each.name != name}.values())


async def _has_rows(services: Services, name: str) -> bool:
    query = LogQuery(await all_connections(services), {"prospect": name})
    return bool((await services.log_pages.page(query, most=1, after=None)).rows)


def _addresses(prospect: Prospect) -> set[str]:
    return {normal_email(as_text(said.value)) for said in prospect.fields.values()} - {""}


async def _in_dynamics(services: Services, organization: str, table: str, row_id: str) -> InDynamics:
    connection = await connection_of(services, organization)
    url = services.crms.row_url(connection, table, row_id) if connection else ""
    return InDynamics(table=table, record_id=row_id, record_url=url)
