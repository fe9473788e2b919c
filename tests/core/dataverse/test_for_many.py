"""What many ask at once is answered as if each had asked alone, by a Dynamics that is asked over HTTP."""

import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from core.dataverse.client import DataverseClient
from core.domain.delivery import Membership, RowWrite
from core.domain.matching import LookUp, columns_to_read
from core.domain.references import Answer, NotAnswered, ReferenceQuery
from core.domain.row import Row
from core.domain.search import Search
from core.domain.table import Target
from core.errors import MissingPrivilegeError, RejectedRowError, SyncError, ThrottledError
from core.sync.gate import Gate
from infra.local.dynamics import CLIENT_ID, dynamics

COLUMNS = {table: columns_to_read(None, table) for table in ("lead", "contact")}
HOSTILE = [
    "o'hara+expo@x.example",
    "100%@x.example",
    "a&b#c@x.example",
    "zoë@x.example",
    "😀@x.example",
]
NAMES = [("Zoë", "O'Hara"), ("Zoe", "O'Hara"), ("A & B", "50%"), ('Q"', "\\"), ("李", "雷")]


def _anybody(_token: str, _audience: str) -> Mapping[str, object]:
    return {"appid": CLIENT_ID}


class OneToken:
    async def token(self, *, fresh: bool = False) -> str:
        return "x"


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with dynamics(_anybody) as simulator:
        yield simulator.url


@pytest.fixture
def crm(running: str) -> str:
    httpx.post(f"{running}/_control/reset").raise_for_status()
    return running


@pytest.fixture
async def client(crm: str) -> AsyncIterator[DataverseClient]:
    async with httpx.AsyncClient() as http:
        unpinned = DataverseClient(url=crm, organization_id=None, http=http, tokens=OneToken())
        organization = await unpinned.organization_id()
        yield DataverseClient(url=crm, organization_id=organization, http=http, tokens=OneToken())


@pytest.fixture
def gate() -> Gate:
    gate = Gate()
    gate.open()
    return gate


def _seed(crm: str, table: str, **columns: Any) -> str:
    answer = httpx.post(f"{crm}/_control/rows/{table}", json=columns)
    answer.raise_for_status()
    return str(answer.json()[f"{table}id"])


def _requests(crm: str) -> list[Any]:
    return list(httpx.get(f"{crm}/_control/requests").json()["requests"])


def _rows(crm: str, table: str) -> list[dict[str, Any]]:
    return list(httpx.get(f"{crm}/_control/rows/{table}").json()["rows"])


def _limit(crm: str, **limits: int) -> None:
    httpx.post(f"{crm}/_control/limits", json=limits).raise_for_status()


def _deny(crm: str, table: str, *, times: int) -> None:
    """Reading rows of the table is refused, as where a privilege is lacking."""
    fault = {"kind": "error", "table": table, "method": "GET", "times": times, "status": 403, "code": "0x80040220"}
    httpx.post(f"{crm}/_control/faults", json=[fault | {"in_batch": True}]).raise_for_status()


def _create(table: str = "lead", row_id: str = "", **values: Any) -> RowWrite:
    return RowWrite(table=table, row_id=row_id or str(uuid.uuid4()), etag=None, values=values)


async def _row(client: DataverseClient, table: str, row_id: str) -> Row | None:
    found = await client.find([LookUp(table, ids=(row_id,))], COLUMNS)
    return found.rows[table, row_id]


async def test_every_search_finds_what_it_would_find_alone(crm: str, client: DataverseClient, gate: Gate) -> None:
    """By id, e-mail and name, whatever characters they hold; rows that are gone; names that only the server thinks
    are the same are nobody's.
    """
    leads = [_seed(crm, "lead", lastname="x", emailaddress2=email) for email in HOSTILE]
    for first, last in NAMES:
        _seed(crm, "contact", firstname=first, lastname=last)
    gone = str(uuid.uuid4())
    searches = [Search([LookUp("lead", ids=(leads[0], gone), emails=(email,))], COLUMNS) for email in HOSTILE]
    searches += [
        Search([LookUp("contact", names=(name,)), LookUp("lead", emails=("no@x.example",))], COLUMNS) for name in NAMES
    ]
    searches += [Search([LookUp("contact", names=(("x" * 500, "y"),))], COLUMNS)]
    together = await client.find_all(searches, gate)
    alone = [await client.find(each.look_ups, COLUMNS) for each in searches]
    # The server takes Zoe and Zoë for one name, and a turn compares again: what it would drop is not handed to it.
    wider = {
        row.key for each in alone for row in each.rows.values() if row and row.columns["firstname"] in ("Zoe", "Zoë")
    }
    for ours, theirs in zip(together, alone, strict=True):
        assert {key: row for key, row in ours.rows.items() if key not in wider} == {
            key: row for key, row in theirs.rows.items() if key not in wider
        }
    assert [len(each.rows) for each in together[len(HOSTILE) : len(HOSTILE) + 2]] == [1, 1]


async def test_long_names_in_other_scripts_fit_into_their_addresses(
    crm: str, client: DataverseClient, gate: Gate
) -> None:
    """Encoded, a letter is up to twelve characters, of which an address takes 65,536."""
    _seed(crm, "contact", firstname="李" * 50, lastname="Ж" * 50)
    names = [("李" * 50, "Ж" * 50), *(("李" * 200 + str(number), "Ж" * 200) for number in range(60))]
    emails = ["é" * 80 + f"{number}@x.example" for number in range(100)]
    named = [Search([LookUp("contact", names=(name,))], COLUMNS) for name in names]
    mailed = [Search([LookUp("lead", emails=(email,))], COLUMNS) for email in emails]
    found = await client.find_all([*named, *mailed], gate)
    assert [len(each.rows) for each in found] == [1, *[0] * 160]


async def test_hundreds_of_searches_are_one_request(crm: str, client: DataverseClient, gate: Gate) -> None:
    """However many values there are: they are parts of one batch."""
    emails = [f"p{number}@x.example" for number in range(700)]
    wanted = {_seed(crm, "lead", lastname="x", emailaddress1=email) for email in emails[::10]}
    before = len(_requests(crm))
    found = await client.find_all([Search([LookUp("lead", emails=(email,))], COLUMNS) for email in emails], gate)
    assert len(_requests(crm)) - before == 1
    assert {row.id for each in found for row in each.rows.values() if row} == wanted
    assert [bool(each.rows) for each in found] == [number % 10 == 0 for number in range(700)]


async def test_names_of_other_tables_are_looked_up_together_too(crm: str, client: DataverseClient, gate: Gate) -> None:
    """Several hits of one name, none, odd characters; each query has its own answer."""
    for name in ("Fabrikam", "Fabrikam", "O'Hara & Söhne", "100%"):
        _seed(crm, "account", name=name)
    queries = [
        ReferenceQuery("account", "accounts", "name", name, fresh=True)
        for name in ("Fabrikam", "fabrikam ", "O'Hara & Söhne", "100%", "Nobody", "n" * 500)
    ]
    (found,) = await client.find_all([Search([], COLUMNS, queries)], gate)
    assert [_count(found.references[query]) for query in queries] == [2, 2, 1, 1, 0, 0]


def _count(answer: Answer) -> int:
    return len(_rows_of(answer))


async def test_a_name_that_cannot_be_looked_up_keeps_nobody_from_being_found(
    crm: str, client: DataverseClient, gate: Gate
) -> None:
    """A privilege is lacking, or the column that names go by is gone: the persons, and other names, are answered in
    the same request, and the refusal is not remembered.
    """
    lead, _ = _seed(crm, "lead", lastname="x", emailaddress1="ada@x.example"), _seed(crm, "account", name="Fabrikam")
    gone = ReferenceQuery("account", "accounts", "cap_gone", "X1")
    denied = ReferenceQuery("campaign", "campaigns", "name", "Expo")
    fabrikam = ReferenceQuery("account", "accounts", "name", "Fabrikam")
    _deny(crm, "campaign", times=2)
    search = Search([LookUp("lead", emails=("ada@x.example",))], COLUMNS, (gone, denied, fabrikam))
    before = len(_requests(crm))
    alone = await client.find(search.look_ups, COLUMNS, search.references)
    together, _ = await client.find_all([search, search], gate)
    assert len(_requests(crm)) - before == 2
    for found in (alone, together):
        assert [row.id for row in found.rows.values() if row] == [lead]
        assert [isinstance(found.references[query], NotAnswered) for query in search.references] == [True, True, False]
    asked_again = await client.find([], {}, [denied])
    assert asked_again.references[denied] == ()


async def test_a_table_of_people_that_cannot_be_read_is_raised(crm: str, client: DataverseClient, gate: Gate) -> None:
    """Nobody may be made while it is not known whether he is there; nor where WhoAmI is refused."""
    _deny(crm, "lead", times=2)
    search = Search([LookUp("lead", emails=("ada@x.example",))], COLUMNS)
    with pytest.raises(MissingPrivilegeError):
        await client.find(search.look_ups, COLUMNS)
    with pytest.raises(MissingPrivilegeError):
        await client.find_all([search, search], gate)


async def test_what_is_written_together_is_answered_as_if_written_alone(
    crm: str, client: DataverseClient, gate: Gate
) -> None:
    """Created, there already, refused for its data, changed meanwhile, updated, a change set that is refused whole."""
    old, stale = (_seed(crm, "lead", lastname=name) for name in ("old", "stale"))
    fresh_row, stale_row = await _row(client, "lead", old), await _row(client, "lead", stale)
    assert fresh_row
    assert stale_row
    account = _create("account", name="Engines")
    binds = {"parentaccountid": Target(table="account", set_name="accounts", navigation="parentaccountid")}
    refused_set = [_create("account", name="Never"), _create(lastname="y" * 5000)]
    pieces: list[Sequence[RowWrite | Membership]] = [
        [_create(lastname="new")],
        [_create(lastname="z" * 5000)],
        [_create(row_id=old, lastname="there already")],
        [RowWrite(table="lead", row_id=old, etag=fresh_row.etag, values={"lastname": "updated"})],
        [RowWrite(table="lead", row_id=stale, etag='W/"1"', values={"lastname": "never"})],
        [
            account,
            RowWrite(
                table="lead",
                row_id=str(uuid.uuid4()),
                etag=None,
                values={"lastname": "linked", "parentaccountid": account.row_id},
                targets=binds,
            ),
        ],
        refused_set,
        [_create(lastname="new too")],
    ]
    answers = await client.write_all(pieces, gate)
    assert [answer for answer in answers if not isinstance(answer, SyncError)] == [True, False, True, False, True, True]
    assert isinstance(answers[1], RejectedRowError)
    assert isinstance(answers[6], RejectedRowError)
    lead = await _row(client, "lead", old)
    assert lead
    assert lead.columns["lastname"] == "updated"
    rows = _rows(crm, "account")
    assert [row["name"] for row in rows] == ["Engines"]


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (2, 1), (500, 1), (501, 2)])
async def test_new_rows_are_made_in_one_message(
    crm: str, client: DataverseClient, gate: Gate, count: int, requests: int
) -> None:
    """Under their own ids, five hundred at a time; one alone needs no message of its own."""
    before = len(_requests(crm))
    pieces = [[_create(lastname=f"n{number}")] for number in range(count)]
    assert await client.write_all(pieces, gate) == [True] * count
    assert len(_requests(crm)) - before == requests
    rows = _rows(crm, "lead")
    assert {row["leadid"] for row in rows} == {piece[0].row_id for piece in pieces}


async def test_rows_that_are_made_twice_are_there_once(crm: str, client: DataverseClient, gate: Gate) -> None:
    """A lost reply: the same message again is refused, and each row says that it is there."""
    pieces = [[_create(lastname=f"n{number}")] for number in range(5)]
    assert await client.write_all(pieces, gate) == [True] * 5
    assert await client.write_all([*pieces, [_create(lastname="late")]], gate) == [False] * 5 + [True]
    assert len(_rows(crm, "lead")) == 6


async def test_a_name_whose_row_is_gone_is_looked_up_again(crm: str, client: DataverseClient, gate: Gate) -> None:
    """Made anew under its name, it is found with the next look-up, not after minutes."""
    expo = ReferenceQuery("campaign", "campaigns", "name", "Expo")
    gone = _seed_campaign(crm)
    assert (await client.find([], {}, [expo])).references[expo]
    await _delete(crm, f"campaigns({gone})")
    bind = {"campaignid": Target(table="campaign", set_name="campaigns", navigation="campaignid")}
    lead = _create(lastname="x", campaignid=gone).model_copy(update={"targets": bind})
    (answer,) = await client.write_all([[lead]], gate)
    assert isinstance(answer, RejectedRowError)
    again = _seed_campaign(crm)
    assert [row.id for row in _rows_of((await client.find([], {}, [expo])).references[expo])] == [again]


def _seed_campaign(crm: str) -> str:
    return _seed(crm, "campaign", name="Expo")


async def _delete(crm: str, row: str) -> None:
    async with httpx.AsyncClient(headers={"Authorization": "Bearer x"}) as http:
        (await http.delete(f"{crm}/api/data/v9.2/{row}")).raise_for_status()


def _rows_of(answer: Answer) -> Sequence[Row]:
    assert not isinstance(answer, NotAnswered), answer
    return answer


async def test_a_limit_is_everybodys(crm: str, client: DataverseClient, gate: Gate) -> None:
    """Refused for Dynamics' limits as a whole: nobody's write is said to be done."""
    _limit(crm, requests=1)
    await client.confirm_organization()
    answers = await client.write_all([[_create(lastname="a")], [_create(lastname="b")]], gate)
    assert [type(each) for each in answers] == [ThrottledError, ThrottledError]
    with pytest.raises(ThrottledError):
        await client.find_all([Search([LookUp("lead", emails=("a@x.example",))], COLUMNS)], gate)


async def test_what_was_made_before_a_limit_was_met_is_done(crm: str, client: DataverseClient, gate: Gate) -> None:
    """New rows go first; when the limit refuses the rest, nobody is told that the new ones are still to be made."""
    old = _seed(crm, "lead", lastname="old")
    update = RowWrite(table="lead", row_id=old, etag="*", values={"lastname": "changed"})
    _limit(crm, requests=1)
    first, second, third = await client.write_all([[_create(lastname="a")], [update], [_create(lastname="b")]], gate)
    assert (first, third) == (True, True)
    assert isinstance(second, ThrottledError)
    assert sorted(row["lastname"] for row in _rows(crm, "lead")) == ["a", "b", "old"]
