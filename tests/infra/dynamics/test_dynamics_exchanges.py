"""Each exchange of the composed examples (`dataverse/exchanges.md`), in their order; number 0 is Entra's."""

import json
import re
from urllib.parse import quote

import httpx
import pytest

from tests.infra.dynamics.simulator import API, LIMITED_ID, Crm, error, new_id, send_batch, statuses

_LABELS = "OData.Community.Display.V1.FormattedValue,Microsoft.Dynamics.CRM.lookuplogicalname"


def test_01_who_am_i(crm: Crm) -> None:
    """WhoAmI tells user, business unit and organisation, and hints at the right parallelism."""
    answer = crm.api.get("WhoAmI")
    assert answer.status_code == 200
    assert int(answer.headers["x-ms-dop-hint"]) > 0
    assert answer.json()["@odata.context"] == f"{crm.url}{API}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"
    assert set(answer.json()) == {"@odata.context", "BusinessUnitId", "UserId", "OrganizationId"}


_CONTACT_QUERY = (
    "contacts?$select=contactid,fullname,emailaddress1,statecode,_parentcustomerid_value"
    "&$filter=emailaddress1%20eq%20'o''hara%2Bexpo%40fabrikam.example'%20and%20statecode%20eq%200"
)


def test_02_query_none(crm: Crm) -> None:
    """Nothing found is an empty list, not an error."""
    answer = crm.api.get(_CONTACT_QUERY)
    context = "#contacts(contactid,fullname,emailaddress1,statecode,_parentcustomerid_value)"
    assert answer.status_code == 200
    assert answer.json() == {"@odata.context": f"{crm.url}{API}$metadata{context}", "value": []}


def test_02_query_one(crm: Crm) -> None:
    """A row is found whatever the case of its e-mail, and comes with etag, key and nulls."""
    row = crm.seed("contact", firstname="Mara", lastname="O'Hara", emailaddress1="O'Hara+expo@fabrikam.example")
    assert crm.api.get(_CONTACT_QUERY).json()["value"] == [
        {
            "@odata.etag": row["@odata.etag"],
            "contactid": row["contactid"],
            "fullname": "Mara O'Hara",
            "emailaddress1": "O'Hara+expo@fabrikam.example",
            "statecode": 0,
            "_parentcustomerid_value": None,
        }
    ]


def test_02_query_many_by_in_paged_with_annotations(crm: Crm) -> None:
    """`In` finds many, a page holds what was asked for, annotations stand beside values, the link leads on."""
    for day, email in enumerate(("a@x.example", "B@x.example", "b@X.example"), start=1):
        crm.seed("lead", lastname="A", emailaddress1=email, createdon=f"2026-05-0{day}T00:00:00Z")
    prefer = {"Prefer": f'odata.maxpagesize=2,odata.include-annotations="{_LABELS}"'}
    values = quote('["a@x.example","b@x.example"]')
    query = (
        "leads?$select=leadid,emailaddress1,statecode,_ownerid_value"
        "&$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p,PropertyValues=@v)"
        f"&@p='emailaddress1'&@v={values}&$orderby=createdon%20desc,leadid"
    )
    first = crm.api.get(query, headers=prefer)
    assert first.headers["Preference-Applied"] == prefer["Prefer"]
    assert [row["emailaddress1"] for row in first.json()["value"]] == ["b@X.example", "B@x.example"]
    row = first.json()["value"][0]
    assert row["statecode@OData.Community.Display.V1.FormattedValue"] == "Open"
    assert row["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "systemuser"
    assert "_ownerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty" not in row
    assert "pagingcookie" in first.json()["@odata.nextLink"]
    last = crm.api.get(first.json()["@odata.nextLink"], headers=prefer)
    assert [row["emailaddress1"] for row in last.json()["value"]] == ["a@x.example"]
    assert "@odata.nextLink" not in last.json()


def test_03_create_and_the_same_create_again(crm: Crm) -> None:
    """A create under an id of ours answers 204 with the row's address; sent again, 412: there is no second row."""
    campaign, lead_id = crm.seed("campaign", name="Expo 2026"), new_id()
    user_id = crm.api.get("WhoAmI").json()["UserId"]
    body = {
        "leadid": lead_id,
        "subject": "Expo 2026 - badge scan",
        "firstname": "Mara",
        "lastname": "O'Hara",
        "companyname": "Fabrikam",
        "emailaddress1": "mara@fabrikam.example",
        "leadsourcecode": 7,
        "donotbulkemail": False,
        "campaignid@odata.bind": f"/campaigns({campaign['campaignid']})",
        "ownerid@odata.bind": f"/systemusers({user_id})",
    }
    answer = crm.api.post("leads", json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["OData-EntityId"] == f"{crm.url}{API}leads({lead_id})"
    assert error(crm.api.post("leads", json=body)) == (412, "0x80040237")
    assert [row["_campaignid_value"] for row in crm.rows("lead")] == [campaign["campaignid"]]


def test_04_create_with_representation(crm: Crm) -> None:
    """With return=representation a create answers 201 with the row and its etag, and no OData-EntityId."""
    account = crm.seed("account", name="Northwind")
    answer = crm.api.post(
        "contacts?$select=contactid,fullname,createdon",
        headers={"Prefer": "return=representation"},
        json={
            "firstname": "Li",
            "lastname": "Wen",
            "emailaddress1": "li@northwind.example",
            "parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})",
        },
    )
    row = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "return=representation"
    assert answer.headers["ETag"] == row["@odata.etag"]
    assert "OData-EntityId" not in answer.headers
    assert row["@odata.context"].endswith("#contacts(contactid,fullname,createdon)/$entity")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["createdon"])
    assert set(row) == {"@odata.context", "@odata.etag", "contactid", "fullname", "createdon"}


def test_05_update_and_update_of_a_missing_row(crm: Crm) -> None:
    """With If-Match an update changes a row that is there, and never makes one."""
    row_id = crm.seed("lead", lastname="O'Hara")["leadid"]
    answer = crm.api.patch(f"leads({row_id})", json={"jobtitle": "Head of Events", "statuscode": 2}, headers=_ANY)
    assert answer.status_code == 204
    assert answer.headers["OData-EntityId"] == f"{crm.url}{API}leads({row_id})"
    missing = new_id()
    refused = crm.api.patch(f"leads({missing})", json={"jobtitle": "x"}, headers=_ANY)
    assert error(refused) == (404, "0x80040217")
    assert refused.json()["error"]["message"] == f"Entity 'Lead' With Id = {missing} Does Not Exist"


_ANY = {"If-Match": "*"}


def captello_key(crm: Crm) -> None:
    """A column and an alternate key on it, as a customer would make them."""
    column = {"do": "add_column", "table": "lead", "name": "cap_captelloid", "max_length": 64, "label": "Captello Id"}
    key = {"do": "add_key", "table": "lead", "name": "cap_captelloid", "columns": ["cap_captelloid"]}
    crm.order("customizations", [column, {**key, "label": "Captello Id"}])


def test_06_upsert_by_alternate_key(crm: Crm) -> None:
    """An upsert answers alike whether it made or changed the row; only with a representation can one tell."""
    captello_key(crm)
    address = "leads(cap_captelloid='k7q2m4')"
    body = {"subject": "Expo 2026", "lastname": "Adeyemi", "companyname": "Tailspin"}
    for _ in range(2):
        answer = crm.api.patch(address, json=body)
        assert (answer.status_code, answer.headers["OData-EntityId"]) == (204, f"{crm.url}{API}{address}")
    assert [row["cap_captelloid"] for row in crm.rows("lead")] == ["k7q2m4"]
    prefer = {"Prefer": "return=representation"}
    assert crm.api.patch(f"{address}?$select=leadid", json=body, headers=prefer).status_code == 200
    made = crm.api.patch("leads(cap_captelloid='other')?$select=leadid", json=body, headers=prefer)
    assert made.status_code == 201
    assert set(made.json()) == {"@odata.context", "@odata.etag", "leadid"}


def test_07_the_412_family(crm: Crm) -> None:
    """Existing row, stale etag and taken key are three codes with one status."""
    captello_key(crm)
    row = crm.seed("contact", lastname="Wen")
    address = f"contacts({row['contactid']})"
    exists = crm.api.patch(address, json={"lastname": "Wen"}, headers={"If-None-Match": "*"})
    assert error(exists) == (412, "0x80040237")
    stale = crm.api.patch(address, json={"jobtitle": "Buyer"}, headers={"If-Match": 'W/"1"'})
    assert error(stale) == (412, "0x80060882")
    crm.create("leads", lastname="A", cap_captelloid="k7q2m4")
    taken = crm.api.post("leads", json={"lastname": "B", "cap_captelloid": "K7Q2M4"})
    assert error(taken) == (412, "0x80060892")
    assert taken.json()["error"]["message"].startswith("Entity Key Captello Id violated.")


@pytest.mark.parametrize("status", [412, 500])
def test_08_duplicate_rule(crm: Crm, status: int) -> None:
    """(?) status. Rules count only where the request asks for them; the code is sure, both statuses can be had."""
    crm.order("contested", {"duplicate_rule_status": status})
    body = {"firstname": "Mara", "lastname": "O'Hara", "emailaddress1": "mara@fabrikam.example", "subject": "Expo"}
    crm.create("leads", **body)
    crm.create("leads", **body)
    refused = crm.api.post("leads", json=body, headers={"MSCRM.SuppressDuplicateDetection": "false"})
    assert error(refused) == (status, "0x80040333")


@pytest.mark.parametrize(
    ("limit", "code", "seconds", "remaining"),
    [
        ("requests", "0x80072322", "37", "x-ms-ratelimit-burst-remaining-xrm-requests"),
        ("time", "0x80072321", "122", "x-ms-ratelimit-time-remaining-xrm-requests"),
        ("concurrency", "0x80072326", "5", None),
    ],
)
def test_09_throttled(crm: Crm, limit: str, code: str, seconds: str, remaining: str | None) -> None:
    """Each service protection limit refuses with 429, its own code, and how long to wait; here when ordered."""
    crm.order("faults", {"kind": "throttled", "limit": limit})
    answer = crm.api.get("leads?$top=1")
    assert error(answer) == (429, code)
    assert answer.headers["Retry-After"] == seconds
    assert remaining is None or answer.headers[remaining] == "0"
    assert crm.api.get("leads?$top=1").status_code == 200


def test_10_expired_or_wrong_token(crm: Crm) -> None:
    """(?) A bad token is refused with 401, a challenge that names the resource, and no body."""
    for authorization in ("Bearer somebody|elsewhere", "Basic x", ""):
        answer = httpx.get(f"{crm.url}{API}WhoAmI", headers={"Authorization": authorization})
        assert (answer.status_code, answer.content) == (401, b"")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
        assert answer.headers["WWW-Authenticate"].endswith(f"resource_id={crm.url}/")


def test_11_missing_privilege(crm: Crm) -> None:
    """A missing privilege is named, with the caller, the table and its type code."""
    answer = crm.limited(without=("prvCreateLead",)).post("leads", json={"lastname": "A"})
    assert error(answer) == (403, "0x80040220")
    message = answer.json()["error"]["message"]
    assert re.match(
        r"Principal user \(Id=[\w-]+, type=8, roleCount=1, privilegeCount=\d+, accessMode=4\) is miss", message
    )
    assert "prvCreateLead privilege" in message
    assert message.endswith("on OTC=4 for entity 'lead'.")


def test_11_owner_without_privilege(crm: Crm) -> None:
    """A row cannot be given to somebody who may not even read such rows."""
    crm.order("users", {"client_id": LIMITED_ID, "roles": []})
    users = {row["applicationid"]: row["systemuserid"] for row in crm.rows("systemuser")}
    body = {"lastname": "A", "ownerid@odata.bind": f"/systemusers({users[LIMITED_ID]})"}
    assert error(crm.api.post("leads", json=body)) == (403, "0x80040231")


@pytest.mark.parametrize(
    "body",
    [
        {"companyname": "Fabrikam"},
        {"ParentCustomerId_Account@odata.bind": "/accounts(00000000-0000-0000-0000-000000000000)"},
        {"numberofchildren": "three"},
    ],
)
def test_12_payload_errors(crm: Crm, body: dict[str, str]) -> None:
    """Unknown property, wrong case of a bind name, text for a number: one code."""
    answer = crm.api.post("contacts", json={"lastname": "X", **body})
    assert error(answer) == (400, "0x80048d19")
    assert (
        "Error identified in Payload provided by the user for Entity :'contacts'" in answer.json()["error"]["message"]
    )


@pytest.mark.parametrize("query", ["$select=companyname", "$filter=companyname eq 'x'"])
def test_12_unknown_property_in_a_query(crm: Crm, query: str) -> None:
    """A query that names no column of the table is refused."""
    answer = crm.api.get(f"contacts?{query}")
    assert error(answer) == (400, "0x80060888")
    expected = "Could not find a property named 'companyname' on type 'Microsoft.Dynamics.CRM.contact'."
    assert answer.json()["error"]["message"] == expected


def test_12_unknown_set(crm: Crm) -> None:
    """A misspelt set is a 404 that names the segment."""
    answer = crm.api.get("contatcs")
    assert error(answer) == (404, "0x80060888")
    assert answer.json()["error"]["message"] == "Resource not found for the segment 'contatcs'."


def test_12_too_long(crm: Crm) -> None:
    """A text too long is refused, with column, table and limit."""
    answer = crm.api.post("leads", json={"lastname": "A", "mobilephone": "+44 20 7946 0000 extension 12345"})
    assert error(answer) == (400, "0x80044331")
    assert answer.json()["error"]["message"] == _TOO_LONG


_TOO_LONG = (
    "A validation error occurred.  The length of the 'mobilephone' attribute of the 'lead' entity exceeded the "
    "maximum allowed length of '20'."
)


def test_12_bad_option(crm: Crm) -> None:
    """(?) wording. An option that the column has not is refused."""
    answer = crm.api.post("leads", json={"lastname": "A", "leadsourcecode": 42})
    assert error(answer) == (400, "0x8004431a")
    expected = "The value 42 of 'leadsourcecode' on record of type 'lead' is outside the valid range."
    assert expected in answer.json()["error"]["message"]


@pytest.mark.parametrize("status", [400, 404])
def test_12_bind_to_a_missing_row(crm: Crm, status: int) -> None:
    """(?) status. A lookup at a row that is not there is refused; the status is contested: both can be had."""
    crm.order("contested", {"bind_target_missing_status": status})
    body = {"lastname": "A", "campaignid@odata.bind": f"/campaigns({new_id()})"}
    assert error(crm.api.post("leads", json=body)) == (status, "0x80040217")


_BATCH = """--batch_a1
Content-Type: application/http
Content-Transfer-Encoding: binary

POST /api/data/v9.2/leads HTTP/1.1
Content-Type: application/json; type=entry

{"subject":"S1","lastname":"One"}
--batch_a1
Content-Type: application/http
Content-Transfer-Encoding: binary

POST /api/data/v9.2/leads HTTP/1.1
Content-Type: application/json; type=entry

{"subject":"S2","lastname":"Two","mobilephone":"+44 20 7946 0000 extension 12345"}
--batch_a1
Content-Type: application/http
Content-Transfer-Encoding: binary

GET /api/data/v9.2/contacts?$select=contactid&$filter=emailaddress1%20eq%20'li%40northwind.example' HTTP/1.1
Accept: application/json


--batch_a1
Content-Type: multipart/mixed; boundary="changeset_c1"

--changeset_c1
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST /api/data/v9.2/accounts HTTP/1.1
Content-Type: application/json; type=entry

{"name":"Wingtip"}
--changeset_c1
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

POST /api/data/v9.2/contacts HTTP/1.1
Content-Type: application/json; type=entry

{"lastname":"Three","parentcustomerid_account@odata.bind":"$1"}
--changeset_c1--

--batch_a1--
"""


def test_13_batch_with_continue_on_error(crm: Crm) -> None:
    """One answer per request, in order; a change set nests; its second row points at its first."""
    contact = crm.seed("contact", lastname="Wen", emailaddress1="li@northwind.example")
    answer = send_batch(crm, _BATCH, Prefer="odata.continue-on-error")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert statuses(answer) == [204, 400, 200, 204, 204]
    assert json.dumps(_TOO_LONG) in answer.text
    assert contact["contactid"] in answer.text
    assert "Content-Type: multipart/mixed; boundary=changesetresponse_" in answer.text
    assert re.findall(r"Content-ID: (\d)", answer.text) == ["1", "2"]
    assert answer.text.count("\r\nLocation: ") == answer.text.count("\r\nOData-EntityId: ") == 3
    account = crm.rows("account")[0]
    assert {row.get("_parentcustomerid_value") for row in crm.rows("contact")} == {None, account["accountid"]}


def test_13_batch_without_continue_on_error(crm: Crm) -> None:
    """The first failure ends the batch and gives it its status; what went before stays."""
    answer = send_batch(crm, _BATCH)
    assert answer.status_code == 400
    assert statuses(answer) == [204, 400]
    assert [row["lastname"] for row in crm.rows("lead")] == ["One"]
    assert crm.rows("account") == []


def test_13_a_failing_change_set_answers_once(crm: Crm) -> None:
    """Nothing of a failed change set stays, and it answers with a single part, not nested."""
    crm.seed("contact", lastname="Wen")
    body = _BATCH.replace('"lastname":"Three"', '"lastname":"Three","nothing":1')
    answer = send_batch(crm, body, Prefer="odata.continue-on-error")
    assert statuses(answer) == [204, 400, 200, 400]
    assert "changesetresponse" not in answer.text
    assert crm.rows("account") == []


def _targets(*rows: dict[str, str], table: str = "lead") -> dict[str, list[dict[str, str]]]:
    return {"Targets": [{"@odata.type": f"Microsoft.Dynamics.CRM.{table}", **row} for row in rows]}


def test_14_create_multiple(crm: Crm) -> None:
    """Ids come back in the order of the targets."""
    campaign = crm.seed("campaign", name="Expo")
    bind = {"campaignid@odata.bind": f"/campaigns({campaign['campaignid']})"}
    body = _targets({"subject": "S1", "lastname": "One", **bind}, {"subject": "S2", "lastname": "Two"})
    answer = crm.api.post("leads/Microsoft.Dynamics.CRM.CreateMultiple", json=body)
    assert answer.status_code == 200
    assert answer.json()["@odata.context"].endswith("$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse")
    by_id = {row["leadid"]: row["lastname"] for row in crm.rows("lead")}
    assert [by_id[row_id] for row_id in answer.json()["Ids"]] == ["One", "Two"]


def test_14_create_multiple_is_all_or_nothing(crm: Crm) -> None:
    """One bad row, and nothing is made; the error does not say which row it was."""
    body = _targets({"lastname": "One"}, {"lastname": "Two", "mobilephone": "+44 20 7946 0000 extension 12345"})
    answer = crm.api.post("leads/Microsoft.Dynamics.CRM.CreateMultiple", json=body)
    assert error(answer) == (400, "0x80044331")
    assert answer.json()["error"]["message"] == _TOO_LONG
    assert crm.rows("lead") == []


def test_15_update_multiple(crm: Crm) -> None:
    """Rows change without a word back; of two changes to one row the first counts."""
    row_id = crm.seed("contact", lastname="Wen")["contactid"]
    body = _targets(
        {"contactid": row_id, "jobtitle": "Buyer"}, {"contactid": row_id, "jobtitle": "Other"}, table="contact"
    )
    answer = crm.api.post("contacts/Microsoft.Dynamics.CRM.UpdateMultiple", json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert crm.row("contact", row_id)["jobtitle"] == "Buyer"


def test_15_upsert_multiple(crm: Crm) -> None:
    """Rows are found or made by their key, without a word back; one key twice is refused."""
    captello_key(crm)
    target = {"@odata.id": "leads(cap_captelloid='k7q2m4')", "lastname": "Adeyemi", "subject": "Expo 2026"}
    address = "leads/Microsoft.Dynamics.CRM.UpsertMultiple"
    for _ in range(2):
        answer = crm.api.post(address, json=_targets(target))
        assert (answer.status_code, answer.content) == (204, b"")
    assert [row["cap_captelloid"] for row in crm.rows("lead")] == ["k7q2m4"]
    assert crm.api.post(address, json=_targets(target, target)).status_code == 400


def test_15_delete_multiple_is_not_there(crm: Crm) -> None:
    """(?) status. Standard tables have no DeleteMultiple."""
    answer = crm.api.post("leads/Microsoft.Dynamics.CRM.DeleteMultiple", json=_targets({"leadid": new_id()}))
    assert error(answer) == (400, "0x80040216")
    assert answer.json()["error"]["message"] == "DeleteMultiple has not yet been implemented."


def test_16_delta_synchronisation_has_its_place(crm: Crm) -> None:
    """Change tracking follows with the issue that needs it; until then it is refused, loudly."""
    answer = crm.api.get("contacts?$select=emailaddress1", headers={"Prefer": "odata.track-changes"})
    assert answer.status_code == 501


def test_17_owner_and_campaign_look_ups(crm: Crm) -> None:
    """Owners and campaigns are found by e-mail and by name; a name that stands twice shows both."""
    user = crm.seed("systemuser", firstname="Dana", lastname="Field", internalemailaddress="dana@contoso.example")
    for _ in range(3):
        crm.seed("campaign", name="Expo 2026")
    users = crm.api.get(
        "systemusers?$select=systemuserid,internalemailaddress,isdisabled,accessmode,applicationid"
        "&$filter=internalemailaddress eq 'dana@contoso.example' and isdisabled eq false"
    )
    assert [row["systemuserid"] for row in users.json()["value"]] == [user["systemuserid"]]
    campaigns = crm.api.get(
        "campaigns?$select=campaignid,name,codename,statecode&$filter=name eq 'Expo 2026' and statecode eq 0&$top=2"
    )
    assert len(campaigns.json()["value"]) == 2
    assert "@odata.nextLink" not in campaigns.json()


def test_18_marketing_list_membership(crm: Crm) -> None:
    """(?) Members are added, twice does no harm; a member of another table is refused."""
    marketing_list = crm.seed("list", listname="Visitors", createdfromcode=4, type=False)
    lead = crm.seed("lead", lastname="O'Hara")
    contact = crm.seed("contact", lastname="Wen")
    body = {
        "List": {"@odata.type": "Microsoft.Dynamics.CRM.list", "listid": marketing_list["listid"]},
        "Members": [{"@odata.type": "Microsoft.Dynamics.CRM.lead", "leadid": lead["leadid"]}],
    }
    for _ in range(2):
        assert crm.api.post("AddListMembersList", json=body).status_code == 204
    members = crm.api.get(f"lists({marketing_list['listid']})/listlead_association?$select=leadid").json()["value"]
    assert [row["leadid"] for row in members] == [lead["leadid"]]
    body["Members"] = [{"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": contact["contactid"]}]
    assert error(crm.api.post("AddListMembersList", json=body)) == (400, "0x80040301")


def test_19_campaign_response_for_a_contact(crm: Crm) -> None:
    """A response belongs to its campaign and has the contact as a party."""
    campaign, contact = crm.seed("campaign", name="Expo"), crm.seed("contact", lastname="Wen")
    party = {"partyid_contact@odata.bind": f"/contacts({contact['contactid']})", "participationtypemask": 11}
    answer = crm.api.post(
        "campaignresponses",
        json={
            "subject": "Badge scan, Expo 2026",
            "responsecode": 1,
            "channeltypecode": 6,
            "receivedon": "2026-05-04T13:05:00Z",
            "regardingobjectid_campaign_campaignresponse@odata.bind": f"/campaigns({campaign['campaignid']})",
            "campaignresponse_activity_parties": [party],
        },
    )
    assert answer.status_code == 204
    response_id = answer.headers["OData-EntityId"].rpartition("(")[2].removesuffix(")")
    assert crm.row("campaignresponse", response_id)["_regardingobjectid_value"] == campaign["campaignid"]
    parties = crm.api.get(
        f"campaignresponses({response_id})?$select=subject&$expand=campaignresponse_activity_parties"
        "($select=_partyid_value,participationtypemask)"
    ).json()["campaignresponse_activity_parties"]
    assert [(row["_partyid_value"], row["participationtypemask"]) for row in parties] == [(contact["contactid"], 11)]


@pytest.mark.parametrize(("kind", "status"), [("unavailable", 503), ("gateway_timeout", 504)])
def test_20_unavailable(crm: Crm, kind: str, status: int) -> None:
    """A server that is not there answers HTML, not JSON."""
    crm.order("faults", {"kind": kind})
    answer = crm.api.get("leads?$top=1")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text.startswith("<html>")
    assert answer.headers.get("Retry-After") == ("30" if status == 503 else None)
