"""Microsoft's `PowerPlatform-Dataverse-Client`, unmodified, against the simulator: a client nobody here wrote."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken, TokenCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError, MetadataError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.record import QueryResult
from PowerPlatform.Dataverse.models.upsert import UpsertItem
from typing_extensions import override

from infra.local.certificates import Certificates
from infra.local.dynamics import Dynamics, dynamics
from tests.infra.dynamics.simulator import CLIENT_ID, verify


class _Credential(TokenCredential):
    """Gives the token these tests use, for the scope that was asked for."""

    @override
    def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        resource = scopes[0].removesuffix("/.default")
        return AccessToken(f"{CLIENT_ID}|{resource}", int(time.time()) + 3600)


@pytest.fixture(scope="module")
def https_dynamics(certificates: Certificates) -> Iterator[Dynamics]:
    with dynamics(verify, client_ids=(CLIENT_ID,), certificate=certificates.server) as simulator:
        yield simulator


@pytest.fixture
def client(
    https_dynamics: Dynamics, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DataverseClient]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
    with DataverseClient(https_dynamics.url, _Credential()) as opened:
        yield opened


def test_create_and_retrieve(client: DataverseClient) -> None:
    """A row made by it is read back, a choice given by its label stored as its number."""
    row_id = client.records.create("lead", {"lastname": "O'Hara", "LeadSourceCode": "Trade Show"})
    row = client.records.retrieve("lead", row_id, select=["lastname", "leadsourcecode"])
    assert row is not None
    assert (row["lastname"], row["leadsourcecode"]) == ("O'Hara", 7)


def test_retrieve_with_labels(client: DataverseClient) -> None:
    """Annotations reach it when it asks for them."""
    row_id = client.records.create("lead", {"lastname": "Adeyemi"})
    row = client.records.retrieve("lead", row_id, select=["statuscode"], include_annotations="*")
    assert row is not None
    assert row["statuscode@OData.Community.Display.V1.FormattedValue"] == "New"


def test_retrieve_with_expand(client: DataverseClient) -> None:
    """A lookup that it binds is expanded for it."""
    account_id = client.records.create("account", {"name": "Northwind"})
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account_id})"}
    row_id = client.records.create("contact", {"lastname": "Wen", **bind})
    row = client.records.retrieve("contact", row_id, expand=["parentcustomerid_account($select=name)"])
    assert row is not None
    assert row["parentcustomerid_account"]["name"] == "Northwind"


def test_a_missing_row_is_none(client: DataverseClient) -> None:
    """Our 404 is what it takes for a missing row."""
    assert client.records.retrieve("lead", "00000000-0000-0000-0000-00000000dead") is None


def test_query_with_the_builder(client: DataverseClient) -> None:
    """Filters that its builder writes are understood: text, numbers, null, `In`, and their combinations."""
    campaign = "builder@x.example"
    for number in range(4):
        client.records.create(
            "lead", {"lastname": f"B{number}", "emailaddress1": campaign, "numberofemployees": number}
        )
    wanted = (col("emailaddress1") == campaign) & (col("numberofemployees") >= 1) & col("jobtitle").is_null()
    query = client.query.builder("lead").select("lastname").where(wanted & (col("lastname") != "B3"))
    found = query.order_by("lastname", descending=True).top(5).execute()
    assert isinstance(found, QueryResult)
    assert [row["lastname"] for row in found.records] == ["B2", "B1"]


def test_query_with_in(client: DataverseClient) -> None:
    """Its `In` is ours."""
    for name in ("In1", "In2", "In3"):
        client.records.create("lead", {"lastname": name})
    found = client.records.list("lead", select=["lastname"], filter=col("lastname").in_(["in1", "IN3"]))
    assert sorted(row["lastname"] for row in found) == ["In1", "In3"]


def test_contains_and_startswith(client: DataverseClient) -> None:
    """Its text functions are ours."""
    client.records.create("lead", {"lastname": "Unmistakable"})
    for wanted in (col("lastname").contains("mistak"), col("lastname").startswith("unmis")):
        assert len(client.records.list("lead", filter=wanted)) == 1


def test_paging(client: DataverseClient) -> None:
    """It follows our next links, page by page, and sees each row once."""
    for number in range(7):
        client.records.create("account", {"name": f"Paged {number}"})
    wanted = col("name").startswith("Paged")
    pages = list(client.records.list_pages("account", select=["name"], filter=wanted, orderby=["name"], page_size=3))
    assert [[row["name"][-1] for row in page] for page in pages] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


def test_update_and_delete(client: DataverseClient) -> None:
    """Its update changes, its delete removes."""
    row_id = client.records.create("contact", {"lastname": "Wen"})
    client.records.update("contact", row_id, {"jobtitle": "Buyer"})
    row = client.records.retrieve("contact", row_id, select=["jobtitle"])
    assert row is not None
    assert row["jobtitle"] == "Buyer"
    client.records.delete("contact", row_id)
    assert client.records.retrieve("contact", row_id) is None


def test_an_update_of_a_missing_row_is_refused(client: DataverseClient) -> None:
    """It guards updates with If-Match, and gets the documented code."""
    with pytest.raises(HttpError) as refusal:
        client.records.update("contact", "00000000-0000-0000-0000-00000000dead", {"jobtitle": "Buyer"})
    assert refusal.value.status_code == 404
    assert refusal.value.details["service_error_code"] == "0x80040217"


def test_bulk_create_update_and_delete(client: DataverseClient) -> None:
    """Lists go through CreateMultiple and UpdateMultiple; ids come back in order."""
    ids = client.records.create("lead", [{"lastname": f"Bulk {number}"} for number in range(5)])
    first = client.records.retrieve("lead", ids[0], select=["lastname"])
    assert first is not None
    assert first["lastname"] == "Bulk 0"
    client.records.update("lead", ids, {"jobtitle": "Buyer"})
    assert len(client.records.list("lead", filter="jobtitle eq 'Buyer' and startswith(lastname,'Bulk')")) == 5
    client.records.delete("lead", ids, use_bulk_delete=False)
    assert len(client.records.list("lead", filter="startswith(lastname,'Bulk')")) == 0


def test_bulk_create_of_a_bad_row_makes_nothing(client: DataverseClient) -> None:
    """It raises, and none of the rows is there."""
    with pytest.raises(HttpError) as refusal:
        client.records.create("lead", [{"lastname": "Halfway"}, {"lastname": "Halfway", "mobilephone": "1" * 21}])
    assert refusal.value.details["service_error_code"] == "0x80044331"
    assert len(client.records.list("lead", filter="lastname eq 'Halfway'")) == 0


def test_alternate_key_and_upsert(client: DataverseClient) -> None:
    """It makes a key, reads it back, and upserts by it: one row, alone and in bulk."""
    key = client.tables.create_alternate_key("account", "cap_number", ["accountnumber"])
    assert [found.key_attributes for found in client.tables.get_alternate_keys("account")] == [["accountnumber"]]
    items: list[UpsertItem | dict[str, Any]] = [
        UpsertItem({"accountnumber": number}, {"name": f"Upserted {number}"}) for number in ("A1", "A2")
    ]
    for _ in range(2):
        client.records.upsert("account", items[:1])
        client.records.upsert("account", items)
    found = client.records.list("account", filter="startswith(name,'Upserted')", select=["accountnumber"])
    assert sorted(row["accountnumber"] for row in found) == ["A1", "A2"]
    client.tables.delete_alternate_key("account", key.metadata_id)
    assert client.tables.get_alternate_keys("account") == []


def test_batch(client: DataverseClient) -> None:
    """Its batches are read, and our answers are: a create, a query and a failure, each with its own result."""
    batch = client.batch.new()
    batch.records.create("contact", {"lastname": "Batched"})
    batch.records.create("contact", {"lastname": "Batched", "companyname": "no such column"})
    batch.records.list("contact", filter="lastname eq 'Batched'", select=["lastname"])
    result = batch.execute(continue_on_error=True)
    assert [response.status_code for response in result.responses] == [204, 400, 200]
    assert len(result.entity_ids) == 1


def test_batch_with_a_change_set(client: DataverseClient) -> None:
    """Its change sets are one transaction, and a later part may point at an earlier one."""
    batch = client.batch.new()
    with batch.changeset() as change_set:
        account = change_set.records.create("account", {"name": "In a change set"})
        change_set.records.create("contact", {"lastname": "Tied", "parentcustomerid_account@odata.bind": account})
    result = batch.execute()
    assert [response.status_code for response in result.responses] == [204, 204]
    (contact,) = client.records.list("contact", filter="lastname eq 'Tied'", select=["_parentcustomerid_value"])
    assert contact["_parentcustomerid_value"] in result.entity_ids


def test_batch_with_a_failing_change_set(client: DataverseClient) -> None:
    """Nothing of it stays."""
    batch = client.batch.new()
    with batch.changeset() as change_set:
        change_set.records.create("account", {"name": "Never seen"})
        change_set.records.create("account", {"name": "Never seen", "nothing": 1})
    assert batch.execute(continue_on_error=True).has_errors
    assert len(client.records.list("account", filter="name eq 'Never seen'")) == 0


def test_batched_upsert_update_and_delete(client: DataverseClient) -> None:
    """The rest of what its batches can do with rows."""
    row_id = client.records.create("lead", {"lastname": "Before"})
    batch = client.batch.new()
    batch.records.update("lead", row_id, {"lastname": "After"})
    batch.records.retrieve("lead", row_id, select=["lastname"])
    batch.records.delete("lead", row_id)
    result = batch.execute()
    assert [response.status_code for response in result.responses] == [204, 200, 204]
    assert result.responses[1].data is not None
    assert result.responses[1].data["lastname"] == "After"


def test_an_unknown_table(client: DataverseClient) -> None:
    """Our empty answer is what it takes for a table that is not there."""
    with pytest.raises(MetadataError):
        client.records.create("no_such_table", {"name": "x"})


def test_tables_and_columns_are_listed(client: DataverseClient) -> None:
    """It reads the definitions of tables, columns and relationships."""
    assert "lead" in {table["LogicalName"] for table in client.tables.list(select=["LogicalName"])}
    info = client.tables.get("lead")
    assert info is not None
    assert info.entity_set_name == "leads"
    assert {column["LogicalName"] for column in client.tables.list_columns("lead")} >= {"leadid", "subject"}
    names = {relation["SchemaName"] for relation in client.tables.list_table_relationships("lead")}
    assert "campaign_leads" in names


def test_bulk_delete(client: DataverseClient) -> None:
    """A list is deleted by a job, which is over here when the answer comes."""
    ids = client.records.create("lead", [{"lastname": "To go"}, {"lastname": "To go"}])
    assert client.records.delete("lead", ids)
    assert len(client.records.list("lead", filter="lastname eq 'To go'")) == 0


def test_columns_with_what_their_types_tell(client: DataverseClient) -> None:
    """It reads lengths and ranges of all columns in one go."""
    columns = {column["LogicalName"]: column for column in client.tables.list_columns("lead", typed=True)}
    assert columns["mobilephone"]["MaxLength"] == 20
    assert columns["numberofemployees"]["MaxValue"] == 1_000_000


def test_an_alternate_key_in_a_batch(client: DataverseClient) -> None:
    """An upsert works there too."""
    key = client.tables.create_alternate_key("contact", "cap_employee", ["employeeid"])
    batch = client.batch.new()
    batch.records.upsert("contact", [UpsertItem({"employeeid": "E1"}, {"lastname": "Keyed"})])
    assert not batch.execute().has_errors
    assert len(client.records.list("contact", filter="employeeid eq 'e1'")) == 1
    client.tables.delete_alternate_key("contact", key.metadata_id)
