"""Routes for prospects: the people as they are known here, with the rows they are linked to; and editing one."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from core.api import cursor as cursors
from core.api.asking import Asking, Reveal
from core.api.edge import CheckedRoute
from core.api.editions import Conditional, etag_of
from core.api.log_view import LogRow, log_view
from core.api.logs import all_connections, prospect_index, usable_email
from core.api.outcome_view import OutcomeView, outcome_view
from core.api.services import ServicesDependency
from core.bootstrap import Services
from core.domain.action import MatchTables
from core.domain.connection import ConfigurationId, Connection
from core.domain.delivery import prospect_key
from core.domain.email_address import normal_email
from core.domain.masking import masked_value, person_in_clear, person_shown
from core.domain.prospect import FIELDS_MOST, NEVER, Prospect, Said, field_name
from core.domain.stored_prospect import edit_of
from core.domain.values import FieldValue, as_text
from core.errors import InvalidInputError
from core.storage.log_pages import LogQuery, Row
from core.storage.log_row import index_name
from core.storage.prospects import Named

router = APIRouter(prefix="/prospects", tags=["prospects"], route_class=CheckedRoute)

_DELIVERIES_MOST = 50
NAME = re.compile(r"[A-Za-z0-9_.~-]{1,80}")
ProspectPath = Annotated[
    str, Path(min_length=1, max_length=200, description="The prospect's `id`, or Captello's own without a slash in it.")
]


class LinkView(BaseModel):
    table: str
    record_id: str
    record_url: str
    by_name: Annotated[bool, Field(description="It rests on a name alone.")]


class ProspectView(BaseModel):
    """A person. Names and addresses are masked."""

    id: Annotated[str, Field(description="Captello's id; `email~…` or `submission~…` where Captello gave none.")]
    organization: Annotated[str, Field(description="The Dynamics organisation that knows this person as such.")]
    captello_id: Annotated[str | None, Field(description="Where it may be an address: by `id`, unless revealed.")]
    person: str
    last_said_at: datetime | None
    links: list[LinkView]


class FieldView(BaseModel):
    name: str
    value: FieldValue
    said_at: datetime | None
    blank_at: Annotated[datetime | None, Field(description="When it was last left blank; that erases nothing.")]


class ProspectDetail(ProspectView):
    """With everything that was said, when, and the deliveries that said it."""

    owner: str | None
    fields: list[FieldView]
    deliveries: Annotated[list[LogRow], Field(description="The newest fifty.")]


class ProspectEdit(BaseModel):
    """What a person's fields are to say from now on; a blank takes back what was said."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[ConfigurationId, Field(description="By whose rules the edit is synced.")]
    fields: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=200)], FieldValue],
        Field(min_length=1, max_length=FIELDS_MOST),
    ]


class ProspectPage(BaseModel):
    items: list[ProspectView]
    cursor: str | None = None


@router.get("", summary="People known here")
async def list_prospects(
    services: ServicesDependency,
    who: Asking,
    organization: Annotated[str | None, Query(max_length=80)] = None,
    email: Annotated[str | None, Query(max_length=320, description="Whoever was captured with this address.")] = None,
    prospect: Annotated[
        str | None, Query(max_length=200, description="Captello's id, whatever signs it holds.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    reveal: Reveal = False,  # noqa: FBT002  # a query parameter
) -> ProspectPage:
    """In the order of their ids."""
    known = await services.places.organizations()
    wanted = [each for each in known if organization in (None, each)]
    asked = {"organization": organization, "email": email, "prospect": prospect, "prospects": "1"}
    after = cursors.read(cursor, asked)
    if email or prospect:
        people = await of_email(services, usable_email(email), wanted) if email else None
        one = await known_as(services, prospect, wanted) if prospect else None
        found, following = _both(people, one, is_one=bool(prospect)), None
    else:
        found, following = await services.prospects.page(wanted, most=limit, after=after)
    if reveal:
        what = f"prospects, {len(found)}{' by e-mail address' if email else ''}"
        await services.revealing.keep(who=who, what=what, people=len(found), shown=await _shown_people(services, found))
    items = [await _view(services, each, reveal=reveal) for each in found[:limit]]
    return ProspectPage(items=items, cursor=cursors.written(following, asked))


@router.get("/{prospect_id}", summary="Everything known of one person")
async def read_prospect(
    prospect_id: ProspectPath,
    services: ServicesDependency,
    who: Asking,
    response: Response,
    organization: Annotated[str | None, Query(max_length=80)] = None,
    reveal: Reveal = False,  # noqa: FBT002  # a query parameter
) -> ProspectDetail:
    """The merged fields with their times, the linked rows, the deliveries."""
    known = await services.places.organizations()
    found = await known_as(services, prospect_id, [each for each in known if organization in (None, each)])
    if found is None:
        raise InvalidInputError(f"There is no prospect {prospect_id}.", field="prospect_id", status=404)
    if reveal:
        shown = await _shown_people(services, [found])
        await services.revealing.keep(who=who, what=f"prospect {found.name}", people=1, shown=shown)
    response.headers["etag"] = etag_of(_version(found))
    view, columns = await _view(services, found, reveal=reveal), await _mapped_columns(services, found.organization)
    query = LogQuery(await all_connections(services), {"prospect": found.name})
    page = await services.log_pages.page(query, most=_DELIVERIES_MOST, after=None)
    return ProspectDetail(
        **dict(view),
        owner=_shown(found.prospect.owner, reveal=reveal),
        fields=[
            _field(name, said, columns[name], reveal=reveal) for name, said in sorted(found.prospect.fields.items())
        ],
        deliveries=[log_view(row, LogRow) for row in page.rows],
    )


@router.patch("/{prospect_id}", responses={202: {"model": OutcomeView}}, summary="Edit a person")
async def edit_prospect(
    prospect_id: ProspectPath,
    body: ProspectEdit,
    services: ServicesDependency,
    precondition: Conditional,
    response: Response,
) -> OutcomeView:
    """A delivery like any other, with a row in the log: through this action it reaches the person's row at once, only
    the columns of what was edited; other rows of the person by constant updating. 202: it goes on by itself.
    """
    action, connection = await services.bulk_actions.place(body.action)
    if action.match.tables is MatchTables.OFF:
        message = f"The action {action.id} makes a row for each capture, so it finds none to edit: name another."
        raise InvalidInputError(message, field="action")
    found = await known_as(services, prospect_id, [connection.partition])
    if found is None:
        message = f"There is no prospect {prospect_id} in the organisation of the action {action.id}."
        raise InvalidInputError(message, field="prospect_id", status=404)
    precondition.check(f"prospect {prospect_id}", _version(found), None)
    edit = edit_of(found.name, found.prospect, body.fields)
    answer = await services.captures.accept(edit, action, connection, wait=True, trigger="edit")
    response.status_code = 202 if answer.result is None else 200
    return outcome_view(answer)


def _version(found: Named) -> dict[str, str]:
    """What an edit is made on condition of."""
    return {"organization": found.organization, "version": found.prospect.version}


def _both(people: list[Named] | None, one: Named | None, *, is_one: bool) -> list[Named]:
    """Of whoever has the address, whoever has the id; where only one of them was asked about, that."""
    if not is_one:
        return people or []
    return [one] if one and (people is None or one in people) else []


async def known_as(services: Services, prospect_id: str, organizations: list[str]) -> Named | None:
    """By our own name for them, or by Captello's id as it is."""
    name = prospect_id if NAME.fullmatch(prospect_id) else ""
    found = await named(services, name, organizations) if name else None
    return found or await named(services, prospect_index(prospect_id), organizations)


async def of_email(services: Services, email: str, organizations: list[str]) -> list[Named]:
    """Through the log's index, which holds no address in clear."""
    query = LogQuery(await all_connections(services), {"email": email})
    page = await services.log_pages.page(query, most=200, after=None)
    names = dict.fromkeys(name for row in page.rows for name in _prospect_names(row))
    found = [await named(services, name, organizations) for name in names]
    return [each for each in found if each]


def _prospect_names(row: Row) -> list[str]:
    names = str(row.get("indexes") or "").split("\n")
    return [name.removeprefix("prospect|") for name in names if name.startswith("prospect|")]


async def named(services: Services, name: str, organizations: list[str]) -> Named | None:
    for organization in organizations:
        if found := await services.ledger.read(organization, prospect_key(name), Prospect):
            return Named(organization, name, found.entity)
    return None


async def _shown_people(services: Services, people: Sequence[Named]) -> list[str]:
    """As the audit keeps them: by name, and by the hashes of their addresses."""
    said = {as_text(said.value) for each in people for said in each.prospect.fields.values()}
    addresses = sorted({normal_email(text) for text in said} - {""})
    hashed = [await services.log_pages.email_index(address) for address in addresses]
    return [*(index_name("prospect", each.name) for each in people), *hashed]


async def _view(services: Services, named: Named, *, reveal: bool) -> ProspectView:
    prospect = named.prospect
    connection = await connection_of(services, named.organization)
    return ProspectView(
        id=named.name,
        organization=named.organization,
        captello_id=prospect.id if reveal or prospect.id is None else named.name,
        person=_person(prospect, reveal=reveal),
        last_said_at=_moment(prospect.last_said_at),
        links=[
            LinkView(
                table=table,
                record_id=row_id,
                record_url=services.crms.row_url(connection, table, row_id) if connection else "",
                by_name=table in prospect.linked_by_name,
            )
            for table, row_id in sorted(prospect.links.items())
        ],
    )


async def connection_of(services: Services, organization: str) -> Connection | None:
    every = await services.configuration.connections()
    return next((each for each in every if each.partition == organization), None)


def _person(prospect: Prospect, *, reveal: bool) -> str:
    fields = {name: said.value for name, said in prospect.fields.items()}
    return person_in_clear(fields) if reveal else person_shown(fields)


async def _mapped_columns(services: Services, organization: str) -> Mapping[str, set[str]]:
    """To which columns mappings bring each field: they tell what it holds."""
    columns: dict[str, set[str]] = defaultdict(set)
    for connection in await services.configuration.connections():
        setup = await services.configuration.setup(connection.id) if connection.partition == organization else None
        for row in (row for mapping in (setup.mappings.values() if setup else ()) for row in mapping.rows):
            if row.source:
                columns[field_name(row.source)].add(row.column)
    return columns


def _field(name: str, said: Said, columns: Collection[str], *, reveal: bool) -> FieldView:
    value = said.value if reveal else masked_value(name, said.value, columns)
    return FieldView(name=name, value=value, said_at=_moment(said.at), blank_at=_moment(said.blank_at))


def _shown(owner: str | None, *, reveal: bool) -> str | None:
    return owner if reveal or owner is None else as_text(masked_value("owner", owner))


def _moment(moment: datetime) -> datetime | None:
    return None if moment == NEVER else moment
