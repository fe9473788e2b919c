"""Queries: operators, functions, text comparison, order, pages, annotations, expanded rows, limits."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.infra.dynamics.simulator import Crm, error


@pytest.fixture
def people(crm: Crm) -> Crm:
    """Four leads: Ann, Bob, Cem and Dora."""
    rows: list[dict[str, Any]] = [
        {"lastname": "Ann", "emailaddress1": "ann_lee@x.example", "numberofemployees": 1, "donotemail": True},
        {"lastname": "Bob", "emailaddress1": "bob.lee@x.example", "numberofemployees": 2, "leadsourcecode": 7},
        {"lastname": "Çem", "emailaddress1": None, "numberofemployees": 3, "revenue": 10.5, "jobtitle": "Ann"},
        {"lastname": "Dora", "emailaddress1": "annxlee@x.example", "statecode": 2, "estimatedclosedate": "2026-05-04"},
    ]
    for day, row in enumerate(rows, start=1):
        crm.seed("lead", **row, createdon=f"2026-05-0{day}T12:00:00Z")
    return crm


def _found(crm: Crm, filter_: str) -> list[str]:
    answer = crm.api.get("leads", params={"$select": "lastname", "$filter": filter_, "$orderby": "createdon"})
    assert answer.status_code == 200, answer.text
    return [row["lastname"][0] for row in answer.json()["value"]]


_BETWEEN_MOMENTS = (
    "Microsoft.Dynamics.CRM.Between(PropertyName='createdon',"
    'PropertyValues=["2026-05-02T12:00:00Z","2026-05-03T23:00:00+02:00"])'
)


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("lastname eq 'ann'", "A"),
        ("lastname eq 'ANN  '", "A"),
        ("lastname eq 'cem'", "Ç"),
        ("lastname ne 'ann'", "BÇD"),
        ("lastname gt 'b'", "BÇD"),
        ("emailaddress1 eq null", "Ç"),
        ("emailaddress1 ne null", "ABD"),
        ("emailaddress1 ne 'bob.lee@x.example'", "AD"),
        ("not (emailaddress1 eq 'bob.lee@x.example')", "AD"),
        ("numberofemployees ge 2", "BÇ"),
        ("numberofemployees lt 2 or numberofemployees gt 2", "AÇ"),
        ("numberofemployees eq 1 and donotemail eq true", "A"),
        ("numberofemployees eq 1 or numberofemployees eq 2 and lastname eq 'nobody'", "A"),
        ("(numberofemployees eq 1 or numberofemployees eq 2) and lastname eq 'nobody'", ""),
        ("donotemail", "A"),
        ("not donotemail", "BÇD"),
        ("revenue eq 10.5", "Ç"),
        ("revenue gt 10", "Ç"),
        ("1 eq numberofemployees", "A"),
        ("jobtitle eq lastname", ""),
        ("createdon ge 2026-05-03T12:00:00Z", "ÇD"),
        ("createdon lt 2026-05-01T14:30:00+02:00", "A"),
        ("createdon lt 2026-05-01T13:30:00+02:00", ""),
        ("createdon lt 2026-05-02", "A"),
        ("estimatedclosedate eq 2026-05-04", "D"),
        ("statecode eq 2", "D"),
        ("contains(emailaddress1,'LEE')", "ABD"),
        ("startswith(lastname,'d')", "D"),
        ("endswith(emailaddress1,'.lee@x.example')", "B"),
        ("contains(emailaddress1,'ann_lee')", "AD"),
        ("startswith(emailaddress1,'%lee')", "ABD"),
        ("startswith(emailaddress1,'[ab]')", "ABD"),
        ("startswith(emailaddress1,'[^a]')", "B"),
        ('Microsoft.Dynamics.CRM.In(PropertyName=\'lastname\',PropertyValues=["ann","DORA"])', "AD"),
        ("Microsoft.Dynamics.CRM.In(PropertyName='numberofemployees',PropertyValues=['1','3'])", None),
        ('Microsoft.Dynamics.CRM.In(PropertyName=\'numberofemployees\',PropertyValues=["1","3"])', "AÇ"),
        ("Microsoft.Dynamics.CRM.NotIn(PropertyName='lastname',PropertyValues=[\"ann\"])", "BÇD"),
        ('Microsoft.Dynamics.CRM.Between(PropertyName=\'numberofemployees\',PropertyValues=["2","3"])', "BÇ"),
        (_BETWEEN_MOMENTS, "BÇ"),
        ("Microsoft.Dynamics.CRM.EqualBusinessId(PropertyName='owningbusinessunit')", "ABÇD"),
        ("Microsoft.Dynamics.CRM.On(PropertyName='createdon',PropertyValue='2026-05-02')", "B"),
        ("Microsoft.Dynamics.CRM.OnOrAfter(PropertyName='createdon',PropertyValue='2026-05-03')", "ÇD"),
        ("Microsoft.Dynamics.CRM.OnOrBefore(PropertyName='createdon',PropertyValue='2026-05-01')", "A"),
        ("Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')", "ABÇD"),
        ("owninguser/lastname eq 'nobody'", ""),
        ("contains(lastname,'[z-a]')", ""),
        ("contains(lastname,'[]')", ""),
        ("startswith(lastname,'[^]')", "ABÇD"),
        ("startswith(lastname,'[a-b]')", "AB"),
        ("startswith(lastname,'[^a-b]')", "ÇD"),
        ("startswith(ownerid/fullname,'x')", None),
    ],
)
def test_filters(people: Crm, filter_: str, expected: str | None) -> None:
    """Each finds just these rows; None stands for a refusal."""
    if expected is None:
        assert people.api.get("leads", params={"$filter": filter_}).status_code == 400
    else:
        assert "".join(_found(people, filter_)) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("Today(PropertyName='createdon')", "D"),
        ("Yesterday(PropertyName='createdon')", "Ç"),
        ("LastXDays(PropertyName='createdon',PropertyValue=1)", "ÇD"),
        ("LastXHours(PropertyName='createdon',PropertyValue=2)", "D"),
        ("OlderThanXDays(PropertyName='createdon',PropertyValue=2)", "AB"),
        ("Last7Days(PropertyName='createdon')", "ABÇD"),
        ("ThisWeek(PropertyName='createdon')", "ÇD"),
        ("LastWeek(PropertyName='createdon')", "AB"),
        ("LastMonth(PropertyName='createdon')", ""),
        ("ThisMonth(PropertyName='createdon')", "ABÇD"),
        ("NextXMonths(PropertyName='createdon',PropertyValue=1)", ""),
        ("LastXMonths(PropertyName='createdon',PropertyValue=1)", "ABÇD"),
        ("OlderThanXYears(PropertyName='createdon',PropertyValue=1)", ""),
        ("Next7Days(PropertyName='estimatedclosedate')", "D"),
        ("ThisYear(PropertyName='estimatedclosedate')", "D"),
    ],
)
def test_filters_by_the_clock(people: Crm, function: str, expected: str) -> None:
    """They go by the environment's time, which tests set."""
    people.order("clock", {"now": "2026-05-04T13:00:00Z", "stopped": True})
    assert "".join(_found(people, f"Microsoft.Dynamics.CRM.{function}")) == expected


@pytest.mark.parametrize(
    "filter_",
    [
        "lastname eq",
        "lastname eq 'ann",
        "lastname = 'ann'",
        "lastname EQ 'ann'",
        "lastname eq ann",
        "lastname eq 5",
        "numberofemployees eq '1'",
        "leadid eq '11111111-1111-1111-1111-111111111111'",
        "donotemail eq 1",
        "createdon gt '2026-05-01'",
        "tolower(lastname) eq 'ann'",
        "length(lastname) eq 3",
        "numberofemployees add 1 eq 2",
        "lastname in ('Ann')",
        "lastname eq 'ann' and",
        "()",
        "lastname",
        "nothing eq 1",
        "campaignid eq null",
        "campaignid/nothing eq 1",
        "nothing/any(x:x/name eq 'a')",
        "Lastname eq 'ann'",
        "jobtitle eq owninguser/lastname",
        "parentaccountid/contact_customer_accounts/any(c:c/lastname eq 'a')",
        "nothing/lead_parent_lead/any(x:x/lastname eq 'a')",
        "(" * 200 + "donotemail" + ")" * 200,
    ],
)
def test_filters_that_are_refused(people: Crm, filter_: str) -> None:
    """What Dataverse does not take is refused, wrong types included."""
    assert error(people.api.get("leads", params={"$filter": filter_})) == (400, "0x80060888")


@pytest.mark.parametrize(
    "call",
    [
        "In(PropertyName='lastname')",
        "In(PropertyName='lastname',PropertyValues='Ann')",
        "In(PropertyName='lastname',PropertyValues=[1])",
        "In(PropertyName='leadid',PropertyValues=[\"Ann\"])",
        "In(PropertyName='numberofemployees',PropertyValues=[\"many\"])",
        "In(PropertyName='lastname',PropertyValues=[\"Ann\"],PropertyValue=1)",
        "In(PropertyName='nothing',PropertyValues=[\"Ann\"])",
        "Between(PropertyName='numberofemployees',PropertyValues=[\"1\"])",
        "LastXDays(PropertyName='lastname',PropertyValue=1)",
        "LastXDays(PropertyName='createdon',PropertyValue='1')",
        "LastXDays(PropertyName='createdon',PropertyValue=0)",
        "LastXDays(PropertyName='createdon',PropertyValue=99999999999)",
        "OlderThanXYears(PropertyName='createdon',PropertyValue=9999)",
        "On(PropertyName='createdon',PropertyValue='yesterday')",
        "Today(PropertyName='createdon',PropertyValue=1)",
        "EqualUserId(PropertyName='lastname')",
        "ContainValues(PropertyName='leadsourcecode',PropertyValues=[\"1\"])",
    ],
)
def test_functions_that_are_refused(people: Crm, call: str) -> None:
    """Each wants its own parameters, and columns of a kind it can be asked of."""
    answer = people.api.get("leads", params={"$filter": f"Microsoft.Dynamics.CRM.{call}"})
    assert error(answer) == (400, "0x80060888")


@pytest.mark.parametrize(
    "query", ["$skip=1", "$search=x", "nothing=1", "$top=x", "$count=maybe", "$orderby=lastname sideways", "$select=x"]
)
def test_options_that_are_refused(people: Crm, query: str) -> None:
    """Unknown options and impossible values are errors, not ignored."""
    assert error(people.api.get(f"leads?{query}")) == (400, "0x80060888")


def test_what_is_not_simulated_says_so(people: Crm) -> None:
    """Nobody shall take silence for an answer."""
    for path in ("leads?$apply=aggregate($count as n)", "leads?$expand=ownerid", "leads?fetchXml=x", "$metadata"):
        answer = people.api.get(path)
        assert answer.status_code == 501
        assert "simulator" in answer.json()["error"]["message"]


def test_blanks_as_plus(people: Crm) -> None:
    """`requests` and Microsoft's client encode them so; a plus in a value must be encoded."""
    people.seed("lead", lastname="Plus", emailaddress1="a+b@x.example")
    for email, count in (("a%2Bb", 1), ("a+b", 0)):
        answer = people.api.get(httpx.URL(f"{people.api.base_url}leads?$filter=emailaddress1+eq+'{email}@x.example'"))
        assert len(answer.json()["value"]) == count


def test_apostrophes_are_no_way_out(people: Crm) -> None:
    """A value stays a value."""
    assert _found(people, "lastname eq 'x'' or ''1'' eq ''1'") == []


@pytest.mark.parametrize(("count", "status"), [(500, 200), (501, 400)])
def test_the_limit_of_conditions(crm: Crm, count: int, status: int) -> None:
    """500 conditions are the most."""
    filter_ = " or ".join("statecode eq 1" for _ in range(count))
    answer = crm.api.get("leads", params={"$filter": filter_})
    assert answer.status_code == status
    assert status == 200 or error(answer) == (400, "0x8004430c")


@pytest.mark.parametrize(("count", "status"), [(250, 200), (251, 400)])
def test_conditions_count_where_they_are_used(crm: Crm, count: int, status: int) -> None:
    """An alias that holds two counts twice wherever it stands; one that holds a name or a value does not count."""
    aliases = {"@a": "@name eq @value or statecode eq 2", "@name": "statecode", "@value": "1"}
    answer = crm.api.get("leads", params={"$filter": " or ".join(["@a"] * count), **aliases})
    assert answer.status_code == status


def test_an_alias_that_stands_for_itself(crm: Crm) -> None:
    """It is refused."""
    assert error(crm.api.get("leads?$filter=@a or @b&@a=@b&@b=@a")) == (400, "0x80060888")


@pytest.mark.parametrize(("length", "status"), [(32_000, 200), (33_000, 414)])
def test_the_limit_of_an_address(crm: Crm, length: int, status: int) -> None:
    """An address beyond 32,768 characters is refused."""
    query = "leads?$top=1&$filter=Microsoft.Dynamics.CRM.In(PropertyName='emailaddress1',PropertyValues=@v)&@v="
    count = (length - len(query)) // 98
    answer = crm.api.get(query + quote(json.dumps(["y" * 89] * count, separators=(",", ":"))))
    assert answer.status_code == status


def test_hundreds_of_values_are_one_condition(crm: Crm) -> None:
    """`In` is how many are looked up at once: the limit of 500 conditions does not count its values."""
    values = [f"p{number}@x.example" for number in range(700)]
    for value in values[::100]:
        crm.create("leads", lastname="A", emailaddress1=value.upper())
    condition = "Microsoft.Dynamics.CRM.In(PropertyName='emailaddress1',PropertyValues=@v)"
    answer = crm.api.get(f"leads?$filter={condition}&@v={quote(json.dumps(values, separators=(',', ':')))}")
    assert len(answer.json()["value"]) == 7


# --- shape -----------------------------------------------------------------------------------------------------------


def test_without_select_all_columns_come(people: Crm) -> None:
    """With null for those that are empty; lookups as `_x_value` only."""
    row = people.api.get("leads?$top=1").json()["value"][0]
    assert len(row) > 130
    assert row["description"] is None
    assert {"_ownerid_value", "_campaignid_value"} <= row.keys()
    assert "ownerid" not in row


def test_annotations(crm: Crm) -> None:
    """All of them, when all are asked for: labels, amounts, dates, the names and tables of lookups."""
    account = crm.seed("account", name="Northwind")
    row_id = crm.create(
        "contacts",
        lastname="Wen",
        gendercode=2,
        creditlimit=1234.5,
        birthdate="1990-02-03",
        **{"parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})"},
    )
    columns = "gendercode,creditlimit,birthdate,donotemail,createdon,_parentcustomerid_value"
    prefer = {"Prefer": 'odata.include-annotations="*"'}
    crm.order("clock", {"now": "2026-05-04T13:05:11Z", "stopped": True})
    row = crm.api.get(f"contacts({row_id})?$select={columns}", headers=prefer).json()
    label = "@OData.Community.Display.V1.FormattedValue"
    assert row[f"gendercode{label}"] == "Female"
    assert row[f"creditlimit{label}"] == "€1,234.50"
    assert row[f"birthdate{label}"] == "2/3/1990"
    assert row[f"donotemail{label}"] == "Allow"
    assert row[f"_parentcustomerid_value{label}"] == "Northwind"
    assert row["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"
    navigation = "_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"
    assert row[navigation] == "parentcustomerid_account"


def test_expanded_rows(crm: Crm) -> None:
    """Lookups and collections, with columns, filters and orders of their own, and one within another."""
    account_id = crm.create("accounts", name="Northwind")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account_id})"}
    ids = {name: crm.create("contacts", lastname=name, **bind) for name in ("A", "B", "C")}
    crm.api.patch(f"accounts({account_id})", json={"primarycontactid@odata.bind": f"/contacts({ids['B']})"})
    row = crm.api.get(
        f"contacts({ids['A']})?$select=lastname&$expand=parentcustomerid_account"
        "($select=name;$expand=primarycontactid($select=lastname)),parentcustomerid_contact($select=lastname)"
    ).json()
    assert row["parentcustomerid_account"]["primarycontactid"]["lastname"] == "B"
    assert row["parentcustomerid_contact"] is None
    collection = "contact_customer_accounts($select=lastname;$filter=lastname ne 'B';$orderby=lastname desc)"
    account = crm.api.get(f"accounts({account_id})?$select=name&$expand={collection}").json()
    assert [contact["lastname"] for contact in account["contact_customer_accounts"]] == ["C", "A"]
    assert error(crm.api.get("contacts?$expand=nothing")) != (200, "")


def test_an_expanded_collection_has_a_link(crm: Crm) -> None:
    """It leads to the same rows, which are not paged when they are expanded, whatever the page size."""
    account_id = crm.create("accounts", name="Northwind")
    for name in ("A", "B", "C"):
        crm.create("contacts", lastname=name, **{"parentcustomerid_account@odata.bind": f"/accounts({account_id})"})
    collection = "contact_customer_accounts($select=lastname;$filter=lastname ne 'B')"
    prefer = {"Prefer": "odata.maxpagesize=1"}
    (account,) = crm.api.get(f"accounts?$select=name&$expand={collection}", headers=prefer).json()["value"]
    assert len(account["contact_customer_accounts"]) == 2
    again = crm.api.get(account["contact_customer_accounts@odata.nextLink"]).json()["value"]
    assert {row["lastname"] for row in again} == {"A", "C"}


_ONLY = "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested"


@pytest.mark.parametrize(
    ("expand", "status", "message"),
    [
        ("primarycontactid($top=1)", 400, _ONLY),
        ("primarycontactid($orderby=lastname)", 400, _ONLY),
        ("contact_customer_accounts($top=1;$expand=owninguser)", 400, _ONLY),
        ("contact_customer_accounts($top=1),primarycontactid($expand=owninguser)", 400, _ONLY),
        ("contact_customer_accounts/$ref", 400, "Expand with $ref is only supported on lookup type navigation"),
        ("primarycontactid/$ref", 501, ""),
        ("primarycontactid($filter=lastname eq 'A')", 501, ""),
        ("listaccount_association,primarycontactid", 400, "Many-to-many"),
        ("contact_customer_accounts($expand=listcontact_association)", 400, "Many-to-many"),
        ("nothing", 400, "Could not find a property"),
    ],
)
def test_expansions_that_are_refused(crm: Crm, expand: str, status: int, message: str) -> None:
    """As documented: no order nor top on lookups and beside nested ones, no mixture with many-to-many."""
    crm.seed("account", name="A")
    answer = crm.api.get(f"accounts?$select=name&$expand={expand}")
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(message or "The simulator does not carry out")


def test_filters_across_lookups_and_collections(crm: Crm) -> None:
    """A lookup's columns, and any or all of a collection's rows."""
    north, south = crm.create("accounts", name="North"), crm.create("accounts", name="South")
    for account_id, title in ((north, "Buyer"), (north, "Seller"), (south, "Buyer")):
        bind = {"parentcustomerid_account@odata.bind": f"/accounts({account_id})"}
        crm.create("contacts", lastname=title, jobtitle=title, **bind)
    found = crm.api.get("contacts?$filter=parentcustomerid_account/name eq 'north' and jobtitle eq 'Buyer'")
    assert len(found.json()["value"]) == 1
    for quantifier, names in (("any", {"North", "South"}), ("all", {"South"})):
        filter_ = f"contact_customer_accounts/{quantifier}(c:c/jobtitle eq 'Buyer')"
        answer = crm.api.get("accounts", params={"$select": "name", "$filter": filter_})
        assert {row["name"] for row in answer.json()["value"]} == names


def test_members_of_a_collection(crm: Crm) -> None:
    """Names within any and all: the variable's are the member's, bare ones the outer row's; null is not true."""
    account_id = crm.create("accounts", name="North", description="Buyer")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account_id})"}
    for title in ("Buyer", None):
        crm.create("contacts", lastname="A", jobtitle=title, **bind)
    members = "contact_customer_accounts"
    for filter_, count in (
        (f"{members}/any(c:c/jobtitle eq 'Buyer')", 1),
        (f"{members}/all(c:c/jobtitle eq 'Buyer')", 0),
        (f"{members}/any(c:description eq 'Buyer')", 1),
        (f"{members}/any()", 1),
        (f"not {members}/any()", 0),
    ):
        found = crm.api.get("accounts", params={"$filter": filter_, "$select": "name"}).json()["value"]
        assert len(found) == count, filter_
    for refused in ("any(c:jobtitle eq 'Buyer')", "any(c:c eq 'Buyer')", "all()"):
        assert error(crm.api.get(f"accounts?$filter={members}/{refused}")) == (400, "0x80060888")


def test_references_and_counts_behind_a_row(crm: Crm) -> None:
    """$ref tells where a lookup leads, $count how many rows a collection has."""
    account_id = crm.create("accounts", name="Northwind")
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account_id})"}
    contact_id = crm.create("contacts", lastname="A", **bind)
    crm.create("contacts", lastname="B", **bind)
    reference = crm.api.get(f"contacts({contact_id})/parentcustomerid_account/$ref").json()
    assert reference["@odata.id"] == f"{crm.url}/api/data/v9.2/accounts({account_id})"
    assert crm.api.get(f"contacts({contact_id})/parentcustomerid_contact/$ref").status_code == 204
    collection = f"accounts({account_id})/contact_customer_accounts/$count"
    assert crm.api.get(collection).text == "2"
    assert crm.api.get(f"{collection}?$filter=lastname eq 'a'").text == "1"


def test_a_property_alone(crm: Crm) -> None:
    """It can be read, set and emptied at its own address."""
    address = f"contacts({crm.create('contacts', lastname='Wen')})/lastname"
    assert crm.api.get(address).json()["value"] == "Wen"
    assert crm.api.put(address, json={"value": "Zhao"}).status_code == 204
    assert crm.api.delete(address).status_code == 204
    assert crm.api.get(address).status_code == 204


# --- order, pages, counts --------------------------------------------------------------------------------------------


def test_order(people: Crm) -> None:
    """By several columns, either way, null first; and behind a lookup."""
    for order, expected in (
        ("numberofemployees", "DABÇ"),
        ("numberofemployees desc", "ÇBAD"),
        ("statecode desc,lastname desc", "DÇBA"),
        ("owninguser/fullname,lastname asc", "ABÇD"),
    ):
        answer = people.api.get(f"leads?$select=lastname&$orderby={order}")
        assert "".join(row["lastname"][0] for row in answer.json()["value"]) == expected


@pytest.mark.parametrize("order", ["", "&$orderby=emailaddress1", "&$orderby=numberofemployees desc,lastname"])
def test_pages_show_each_row_once(crm: Crm, order: str) -> None:
    """Whatever the order, also with equal values and null; rows made meanwhile move nothing."""
    for number in range(11):
        email = f"n{number % 3}@x.example" if number % 2 else None
        crm.seed("lead", lastname=f"N{number}", emailaddress1=email, numberofemployees=number % 4 or None)
    link, seen = f"leads?$select=lastname{order}", []
    prefer = {"Prefer": "odata.maxpagesize=3"}
    while link:
        page = crm.api.get(link, headers=prefer).json()
        seen += [row["lastname"] for row in page["value"]]
        link = page.get("@odata.nextLink")
        crm.seed("lead", lastname="made meanwhile", numberofemployees=1)
    assert sorted(name for name in seen if name != "made meanwhile") == sorted(f"N{number}" for number in range(11))


def test_a_full_last_page_has_no_link(people: Crm) -> None:
    """Four rows in pages of two are two pages."""
    prefer = {"Prefer": "odata.maxpagesize=2"}
    first = people.api.get("leads", headers=prefer).json()
    assert "@odata.nextLink" not in people.api.get(first["@odata.nextLink"], headers=prefer).json()


def test_top_is_ignored_beside_a_page_size(people: Crm) -> None:
    """With both, the page size wins."""
    answer = people.api.get("leads?$top=1", headers={"Prefer": "odata.maxpagesize=3"}).json()
    assert (len(answer["value"]), "@odata.nextLink" in answer) == (3, True)


def test_pages_hold_5000_rows_at_most(crm: Crm) -> None:
    """More cannot be had at once; a count stops there too, and says so."""
    targets = [{"@odata.type": "Microsoft.Dynamics.CRM.lead", "lastname": "A"} for _ in range(2501)]
    for _ in range(2):
        crm.api.post("leads/Microsoft.Dynamics.CRM.CreateMultiple", json={"Targets": targets}).raise_for_status()
    prefer = {"Prefer": 'odata.maxpagesize=9999,odata.include-annotations="*"'}
    page = crm.api.get("leads?$select=leadid&$count=true", headers=prefer).json()
    assert (len(page["value"]), page["@odata.count"]) == (5000, 5000)
    assert page["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is True
    assert len(crm.api.get(page["@odata.nextLink"]).json()["value"]) == 2
    assert crm.api.get("leads/$count").text == "5000"


def test_a_link_that_was_touched(crm: Crm) -> None:
    """A next link is followed as it was given, or refused."""
    assert error(crm.api.get("leads?$skiptoken=2")) == (400, "0x80060888")


def test_older_versions_of_the_api(people: Crm) -> None:
    """v9.0 and v9.1 answer alike, with links of their own version."""
    for version in ("v9.0", "v9.1"):
        answer = people.api.get(f"{people.url}/api/data/{version}/leads", headers={"Prefer": "odata.maxpagesize=1"})
        assert f"/api/data/{version}/leads?" in answer.json()["@odata.nextLink"]
    assert people.api.get(f"{people.url}/api/data/v8.0/leads").status_code == 404
