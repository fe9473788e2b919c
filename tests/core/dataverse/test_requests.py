"""What is sent to Dataverse, and what its rows say."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataverse import protocol
from core.dataverse.protocol import Response
from core.domain.delivery import Membership, RowWrite
from core.domain.matching import LookUp
from core.domain.references import ReferenceQuery
from core.domain.table import Target
from tests.builders import row_id
from tests.strategies import any_text

COLUMNS = ("leadid", "emailaddress1")
HOSTILE = [
    "o'hara+expo@fabrikam.example",
    "' or statecode eq 0 or '' eq '",
    "'') or (leadid ne null",
    "a&$top=1",
    "a#b",
    "100%",
    "%27 or 1 eq 1",
    "a/b?c=d",
    "a\\b",
    "Zoë Müller 😀",
    "x y  z",
    '"quoted"',
    "a;b,c(d)",
    "tab\tand\nbreak",
]


def _filter(wanted: LookUp) -> str:
    """The filter as a server decodes it from the request line."""
    request = protocol.look_up(wanted, COLUMNS)
    assert request.path.isascii()
    assert not re.search(r"[\s<>\"\\]", request.path)
    (decoded,) = parse_qs(urlsplit(request.path).query, strict_parsing=True)["$filter"]
    assert decoded == unquote(urlsplit(request.path).query.partition("$filter=")[2])
    return decoded


def _literals(filter_: str) -> list[str]:
    """The values of the filter's string literals, read as OData says."""
    return [text.replace("''", "'") for text in re.findall(r"'((?:[^']|'')*)'", filter_)]


def _skeleton(filter_: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "?", filter_)


EMAIL_FILTER = "emailaddress1 eq ? or emailaddress2 eq ? or emailaddress3 eq ?"
NAME_FILTER = "(firstname eq ? and lastname eq ?)"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_values(text: str) -> None:
    """Apostrophes are doubled before anything is encoded, so a value never becomes a part of the filter."""
    by_email = _filter(LookUp("lead", emails=(text,)))
    assert _skeleton(by_email) == EMAIL_FILTER
    assert _literals(by_email) == [text] * 3
    by_name = _filter(LookUp("contact", names=((text, "X"),)))
    assert _skeleton(by_name) == NAME_FILTER
    assert _literals(by_name) == [text, "X"]


@given(email=any_text.filter(bool), first=any_text, last=any_text)
def test_a_server_decodes_the_same_filter_back(email: str, first: str, last: str) -> None:
    """Whatever the texts hold: `+`, `&`, `#`, `%`, apostrophes, any script."""
    decoded = _filter(LookUp("lead", emails=(email,), names=((first, last),)))
    assert _skeleton(decoded) == f"{EMAIL_FILTER} or {NAME_FILTER}"
    assert _literals(decoded) == [email, email, email, first, last]


def test_a_look_up_by_id() -> None:
    """Linked rows are read by id, in whatever state, together with everything else."""
    request = protocol.look_up(LookUp("contact", ids=(row_id(1),), emails=("a@b.example",)), ("contactid", "merged"))
    assert request.method == "GET"
    assert urlsplit(request.path).path == "/api/data/v9.2/contacts"
    assert "$select=contactid,merged&" in request.path
    decoded = _filter(LookUp("contact", ids=(row_id(1),), emails=("a@b.example",)))
    assert decoded.startswith(f"contactid eq {row_id(1)} or emailaddress1 eq 'a@b.example' or ")
    assert "statecode" not in decoded


def test_a_row_is_created_under_our_id_and_only_if_it_is_not_there() -> None:
    """So a repeated request cannot make a second row, nor touch the first."""
    request = protocol.write_request(
        RowWrite(table="lead", row_id=row_id(1), etag=None, values={"lastname": "O'Hara 😀", "leadqualitycode": 1})
    )
    assert (request.method, request.path) == ("PATCH", f"/api/data/v9.2/leads({row_id(1)})")
    assert request.headers["If-None-Match"] == "*"
    assert "If-Match" not in request.headers
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(request.body or b"") == {"lastname": "O'Hara 😀", "leadqualitycode": 1}


def test_a_row_is_updated_only_as_it_was_read() -> None:
    """Without a condition a PATCH would create the row anew when somebody has deleted it."""
    request = protocol.write_request(
        RowWrite(table="contact", row_id=row_id(1), etag='W/"123"', values={"jobtitle": None})
    )
    assert (request.method, request.path) == ("PATCH", f"/api/data/v9.2/contacts({row_id(1)})")
    assert request.headers["If-Match"] == 'W/"123"'
    assert "If-None-Match" not in request.headers
    assert json.loads(request.body or b"") == {"jobtitle": None}


def test_lookups_are_written_as_binds() -> None:
    """Of the navigation property that leads to the other row's table; null empties it."""
    target = Target(table="account", set_name="accounts", navigation="parentcustomerid_account")
    for value, bound in ((row_id(2), f"/accounts({row_id(2)})"), (None, None)):
        write = RowWrite(
            table="contact",
            row_id=row_id(1),
            etag='W/"1"',
            values={"parentcustomerid": value, "jobtitle": "CEO"},
            targets={"parentcustomerid": target},
        )
        body = json.loads(protocol.write_request(write).body or b"")
        assert body == {"parentcustomerid_account@odata.bind": bound, "jobtitle": "CEO"}


def test_rows_within_a_row_are_posted_under_our_id() -> None:
    """A second POST of the same id is refused, as a conditional PATCH is."""
    values = {"subject": "Expo", "campaignresponse_activity_parties": [{"participationtypemask": 11}]}
    request = protocol.write_request(RowWrite(table="campaignresponse", row_id=row_id(1), etag=None, values=values))
    assert (request.method, request.path) == ("POST", "/api/data/v9.2/campaignresponses")
    assert json.loads(request.body or b"") == {"activityid": row_id(1), **values}


def test_a_member_is_added_by_an_action() -> None:
    """Exchange 18."""
    request = protocol.write_request(Membership(list_id=row_id(7), table="lead", row_id=row_id(1)))
    assert (request.method, request.path) == ("POST", "/api/data/v9.2/AddListMembersList")
    assert json.loads(request.body or b"") == {
        "List": {"@odata.type": "Microsoft.Dynamics.CRM.list", "listid": row_id(7)},
        "Members": [{"@odata.type": "Microsoft.Dynamics.CRM.lead", "leadid": row_id(1)}],
    }


def test_named_rows_are_asked_for_by_one_column() -> None:
    """With what tells who can be meant; an apostrophe stays a value."""
    request = protocol.reference_query(ReferenceQuery("campaign", "campaigns", "name", "Kid's Expo & Co"))
    query = parse_qs(urlsplit(request.path).query)
    assert query["$select"] == ["name,statecode"]
    assert query["$filter"] == ["name eq 'Kid''s Expo & Co'"]


def test_rows_of_an_answer() -> None:
    """With their ETags; ids in the one spelling that they are compared in."""
    answer = {
        "value": [
            {"@odata.etag": 'W/"1"', "leadid": row_id(1).replace("0", "A").upper(), "emailaddress1": None},
            {"@odata.etag": 'W/"2"', "leadid": row_id(2)},
        ]
    }
    one, two = protocol.rows_in("lead", answer)
    assert (one.key, one.etag) == (("lead", row_id(1).replace("0", "a")), 'W/"1"')
    assert two.columns["leadid"] == row_id(2)
    assert protocol.rows_in("lead", {}) == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff\xfe"])
def test_an_answer_that_is_no_json_reads_as_empty(body: bytes) -> None:
    """Proxies answer in HTML, and a 401 with nothing."""
    assert Response(503, {}, body).json == {}


@pytest.mark.parametrize("table", ["lead", "contact", "account"])
def test_metadata_is_asked_for_what_mappings_need(table: str) -> None:
    """The columns in one part, one for each type that tells more, and the lookups: they travel in one batch."""
    columns, *typed, lookups = protocol.table_metadata(table)
    assert "ReferencingEntityNavigationPropertyName" in lookups.path
    assert "RequiredLevel" in columns.path
    assert "AttributeTypeName" in columns.path
    asked = {request.path.partition("CRM.")[2].partition("AttributeMetadata")[0]: request.path for request in typed}
    assert len(asked) == len(typed) == 11
    for kind, facts in {
        "String": "MaxLength,FormatName",
        "Memo": "MaxLength",
        "Integer": "MinValue,MaxValue",
        "Decimal": "MinValue,MaxValue,Precision",
        "Double": "MinValue,MaxValue,Precision",
        "Money": "MinValue,MaxValue,Precision,PrecisionSource",
        "DateTime": "DateTimeBehavior",
        "Boolean": "TrueOption,FalseOption",
        "Picklist": "GlobalOptionSet",
        "MultiSelectPicklist": "GlobalOptionSet",
        "Status": "Options",
    }.items():
        assert facts in asked[kind]


@pytest.mark.parametrize("table", ["lead", "contact", "account"])
def test_metadata_requests_are_about_the_table(table: str) -> None:
    """Each of them, and nothing in them has to be encoded."""
    for request in protocol.table_metadata(table):
        assert request.method == "GET"
        assert f"EntityDefinitions(LogicalName='{table}')/" in request.path
        assert " " not in request.path


def test_targets_are_asked_for_by_name() -> None:
    """All of them in one request, in an order that never changes."""
    request = protocol.table_names({"campaign", "account"})
    asked = parse_qs(urlsplit(request.path).query)
    assert asked["$select"] == ["LogicalName,EntitySetName,PrimaryNameAttribute"]
    assert asked["$filter"] == ["LogicalName eq 'account' or LogicalName eq 'campaign'"]


@given(text=st.text(max_size=30))
def test_a_literal_is_one_literal(text: str) -> None:
    """However many apostrophes it holds, it ends where it should."""
    quoted: Any = protocol.quoted(text)
    assert re.fullmatch(r"'(?:[^']|'')*'", quoted)
    assert _literals(quoted) == [text]
