"""The check of a connection: each broken set-up has a finding and a fix of its own; only what is configured fails."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from core.domain.action import SyncAction
from core.domain.check import Answers, Challenge, Identity, can_work, judged
from core.domain.check_fixes import fix_for
from core.domain.check_steps import CheckStep
from core.domain.checked import Checked
from core.domain.connection import Connection
from core.domain.expiry import expiry_threshold
from core.domain.mapping import FieldMapping, MappingRow
from core.domain.privileges import every_feature
from core.domain.table import Table, Target
from core.errors import MisconfiguredConnectionError, RetryableError
from tests.builders import COLUMNS, LEAD, NOON, ORGANIZATION, action, column, mapping

GUID = "11111111-1111-4111-8111-111111111111"
OTHER = "99999999-9999-4999-8999-999999999999"
TODAY = date(2026, 5, 4)
CONNECTION = Connection(
    id="contoso",
    name="Contoso",
    url="https://contoso.crm4.dynamics.com",
    tenant_id=GUID,
    client_id=GUID,
    organization_id=ORGANIZATION,
    secret_expires_on=TODAY + timedelta(days=300),
)
EVERYTHING = {privilege.name: "Global" for feature in every_feature() for privilege in feature.needs}
LEADS_ONLY = action(match={"tables": "leads"}, create="lead", note=False)
WHOLE_MAPPING = mapping({"source": "LastName", "column": "lastname"}, {"source": "Email", "column": "emailaddress1"})
WELL = Answers(
    challenge=Challenge(is_dynamics=True, status=401, tenant_id=GUID),
    identity=Identity("u", ORGANIZATION),
    privileges=EVERYTHING,
    tables={"lead": LEAD},
    change_tracking={"contact": True, "lead": True},
)


def _refused(code: str) -> MisconfiguredConnectionError:
    return MisconfiguredConnectionError("refused", code=code)


def _steps(
    answers: Answers = WELL,
    *,
    connection: Connection = CONNECTION,
    mapped: FieldMapping | None = WHOLE_MAPPING,
    actions: tuple[SyncAction, ...] = (LEADS_ONLY,),
) -> dict[str, CheckStep]:
    mappings = {"lead": mapped} if mapped else {}
    return {step.name: step for step in judged(Checked(connection, mappings, actions), answers, TODAY)}


def _without(*names: str) -> dict[str, str]:
    return {name: depth for name, depth in EVERYTHING.items() if name not in names}


def test_a_good_set_up_passes_every_step() -> None:
    """Nothing is failed, skipped or noted when all is well."""
    steps = _steps()
    assert {step.status for step in steps.values()} == {"passed"}
    assert {"url", "token", "application_user", "organization", "privileges.lead", "columns.lead"} <= steps.keys()


BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("no DNS", {"challenge": _refused("dns")}, "url", "dns"),
    ("no trust", {"challenge": _refused("tls")}, "url", "tls"),
    ("silence", {"challenge": RetryableError("no answer", code="unreachable")}, "url", "unreachable"),
    ("not Dynamics", {"challenge": Challenge(is_dynamics=False, status=200)}, "url", "not_dynamics"),
    ("wrong tenant", {"challenge": Challenge(True, 401, OTHER)}, "token", "wrong_tenant"),
    ("unknown tenant", {"token": _refused("AADSTS90002")}, "token", "AADSTS90002"),
    ("wrong client id", {"token": _refused("AADSTS700016")}, "token", "AADSTS700016"),
    ("wrong secret", {"token": _refused("AADSTS7000215")}, "token", "AADSTS7000215"),
    ("secret's id", {"token": _refused("secret_id_pasted")}, "token", "secret_id_pasted"),
    ("expired secret", {"token": _refused("AADSTS7000222")}, "token", "AADSTS7000222"),
    ("unknown certificate", {"token": _refused("AADSTS700027")}, "token", "AADSTS700027"),
    ("erased secret", {"token": _refused("secret_missing")}, "token", "secret_missing"),
    ("Entra is down", {"token": RetryableError("down")}, "token", "unavailable"),
    ("no application user", {"identity": _refused("0x80072560")}, "application_user", "0x80072560"),
    ("disabled user", {"identity": _refused("0x80040225")}, "application_user", "0x80040225"),
    ("no role", {"identity": _refused("0x80042f09")}, "application_user", "0x80042f09"),
    ("another organisation", {"identity": Identity("u", OTHER)}, "organization", "organization_changed"),
    ("a missing privilege", {"privileges": _without("prvCreateLead")}, "privileges.lead", "privilege_missing"),
    ("a removed column", {"tables": {"lead": Table(name="lead", columns={})}}, "columns.lead", "column_missing"),
]


@pytest.mark.parametrize(("changed", "name", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_each_broken_set_up_has_a_finding_of_its_own(changed: dict[str, Any], name: str, code: str) -> None:
    """One step fails, with a code of its own and a fix that is not the general one."""
    steps = _steps(replace(WELL, **changed))
    failed = [step for step in steps.values() if step.status == "failed"]
    assert [(step.name, step.code) for step in failed] == [(name, code)]
    assert failed[0].fix == fix_for(code).format(id="contoso")
    assert failed[0].fix != fix_for("something nobody has met")
    assert "{" not in failed[0].fix


def test_the_first_twelve_mistakes_are_told_apart() -> None:
    """No two of them have the same code."""
    assert len({code for *_, code in BROKEN}) == len(BROKEN)


def test_what_cannot_be_asked_is_skipped() -> None:
    """One thing is wrong, and one thing is said to be wrong."""
    answers = Answers(challenge=WELL.challenge, token=_refused("AADSTS7000222"))
    steps = _steps(answers)
    assert {name for name, step in steps.items() if step.status == "skipped"} == {
        "application_user",
        "organization",
        "privileges",
        "columns",
        "change_tracking",
    }


@pytest.mark.parametrize(
    ("settings", "lost", "failed"),
    [
        ({"note": True}, "prvCreateNote", "privileges.annotation"),
        ({"note": True}, "prvAppendToLead", "privileges.lead"),
        ({"owner": {"by": "fixed", "fallback": "a@x.example"}}, "prvAssignLead", "privileges.lead"),
        ({"account": {}}, "prvAppendToAccount", "privileges.account"),
        ({"account": {"on_missing": "create"}}, "prvCreateAccount", "privileges.account"),
        ({"campaigns": [{"name": "E", "as": "source"}]}, "prvAppendToCampaign", "privileges.campaign"),
        ({"campaigns": [{"name": "E", "as": "response"}]}, "prvCreateActivity", "privileges.campaignresponse"),
        ({"campaigns": [{"name": "E", "as": "list"}]}, "prvWriteList", "privileges.list"),
        ({"on_match": "update"}, "prvWriteLead", "privileges.lead"),
        ({"match": {"tables": "contacts_then_leads"}}, "prvReadContact", "privileges.contact"),
    ],
)
def test_a_privilege_counts_when_a_configured_feature_needs_it(
    settings: dict[str, Any], lost: str, failed: str
) -> None:
    """It fails with the feature; without it, it is a note that says what would stop. A disabled action asks nothing."""
    answers = replace(WELL, privileges=_without(lost))
    asks = action(**{"match": {"tables": "leads"}, "create": "lead", "note": False, "on_match": "none", **settings})
    concerned = [step for step in _steps(answers, actions=(asks,)).values() if step.status == "failed"]
    assert [(step.name, step.code) for step in concerned if step.code == "privilege_missing"] == [
        (failed, "privilege_missing")
    ]
    asks_not = asks.model_copy(update={"enabled": False})
    spared = _steps(answers, actions=(asks_not,))
    notes = [step for step in spared.values() if step.status == "note" and step.code == "privilege_missing"]
    assert len(notes) == 1
    assert "would not work without" in notes[0].message
    assert not [step for step in spared.values() if step.status == "failed"]


def test_a_mapped_link_needs_privileges_too() -> None:
    """To read the table it leads to, and to tie rows to each other."""
    link = column("campaignid", "Lookup", targets=(Target(table="campaign", set_name="campaigns", navigation="c"),))
    table = Table(name="lead", columns={**COLUMNS, "campaignid": link})
    facts = FieldMapping(table="lead", rows=(MappingRow(column="campaignid", source="C"),), columns=table.columns)
    mapped = facts.model_copy(update={"rows": (*WHOLE_MAPPING.rows, *facts.rows)})
    answers = replace(WELL, privileges=_without("prvAppendToCampaign"), tables={"lead": table})
    step = _steps(answers, mapped=mapped)["privileges.campaign"]
    assert (step.status, "links from lead.campaignid to campaign" in step.message) == ("failed", True)


@pytest.mark.parametrize(("there", "status"), [({"codename": column("codename")}, "passed"), ({}, "failed")])
def test_a_column_that_links_go_by_has_to_be_there(there: dict[str, Any], status: str) -> None:
    """It stands in another table, and nobody would be looked up by it."""
    row = {"source": "Campaign", "column": "campaignid", "lookup": {"by": "codename"}}
    mapped = mapping({"source": "LastName", "column": "lastname"}, row)
    answers = replace(WELL, tables={"lead": LEAD, "campaign": Table(name="campaign", columns=there)})
    step = _steps(answers, mapped=mapped)["lookups.campaign"]
    assert (step.status, "codename" in step.message) == (status, True)
    assert step.code == ("lookup_by_missing" if status == "failed" else "")


def test_who_sees_only_a_part_is_told_so() -> None:
    """With less than organization access, people among the others are not found."""
    steps = _steps(replace(WELL, privileges={**EVERYTHING, "prvReadLead": "Basic"}))
    assert (steps["depth.lead"].status, "Basic" in steps["depth.lead"].message) == ("note", True)


@pytest.mark.parametrize(
    ("column_facts", "row", "status"),
    [
        ({"creatable": False, "updatable": False}, {}, "failed"),
        ({"creatable": False}, {"policy": "create_only"}, "failed"),
        ({"creatable": False}, {}, "passed"),
        ({"updatable": False}, {}, "passed"),
    ],
)
def test_a_column_that_cannot_be_written(column_facts: dict[str, Any], row: dict[str, Any], status: str) -> None:
    """Read-only is another mistake than missing; one that takes a value at some moment will do."""
    table = Table(name="lead", columns={**COLUMNS, "jobtitle": column("jobtitle", **column_facts)})
    mapped = mapping({"source": "LastName", "column": "lastname"}, {"source": "Title", "column": "jobtitle", **row})
    step = _steps(replace(WELL, tables={"lead": table}), mapped=mapped)["columns.lead"]
    assert (step.status, step.code) == (status, "read_only" if status == "failed" else "")


def test_a_secured_column_is_worth_a_note() -> None:
    """Whether the application user may write it, only writing tells."""
    table = Table(name="lead", columns={**COLUMNS, "emailaddress1": column("emailaddress1", secured=True)})
    steps = _steps(replace(WELL, tables={"lead": table}))
    assert (steps["secured.lead"].status, "emailaddress1" in steps["secured.lead"].message) == ("note", True)
    assert "secured.lead" not in _steps()


def test_a_required_column_fails_only_where_rows_are_created() -> None:
    """Updating needs none of them."""
    mapped = mapping({"source": "Email", "column": "emailaddress1"})
    assert _steps(mapped=mapped)["required.lead"].status == "failed"
    updating = action(match={"tables": "leads"}, create="none", note=False)
    assert _steps(mapped=mapped, actions=(updating,))["required.lead"].status == "note"


def test_a_table_without_a_mapping() -> None:
    """An action writes it, so every capture would fail."""
    assert _steps(mapped=None)["columns.lead"].code == "mapping_missing"


def test_change_tracking_that_is_off_stops_nothing_yet() -> None:
    """A note: changes could not flow back."""
    assert _steps(replace(WELL, change_tracking={"lead": False}))["change_tracking"].status == "note"


def test_what_is_asked_last_and_not_answered_is_not_known() -> None:
    """Dynamics is slow: nothing is said to be wrong."""
    slow = RetryableError("slow")
    steps = _steps(replace(WELL, privileges=slow, tables=slow, change_tracking=slow))
    assert {steps[name].status for name in ("privileges", "columns", "change_tracking")} == {"skipped"}


@pytest.mark.parametrize(
    ("days", "token", "status", "code"),
    [
        (300, None, "passed", ""),
        (31, None, "passed", ""),
        (30, None, "note", "expires_soon"),
        (1, None, "note", "expires_soon"),
        (0, None, "note", "expires_soon"),
        (-1, None, "note", "expiry_wrong"),
        (-1, _refused("AADSTS7000222"), "failed", "expired"),
        (None, None, "note", "expiry_unknown"),
    ],
)
def test_the_end_of_the_secret(days: int | None, token: Any, status: str, code: str) -> None:
    """A warning in time; a date that has passed while the secret works is only a wrong date."""
    ends = None if days is None else TODAY + timedelta(days=days)
    connection = CONNECTION.model_copy(update={"secret_expires_on": ends})
    step = _steps(replace(WELL, token=token), connection=connection)["secret_expiry"]
    assert (step.status, step.code) == (status, code)


@pytest.mark.parametrize(
    ("days", "threshold"),
    [(31, None), (30, 30), (15, 30), (14, 14), (8, 14), (7, 7), (2, 7), (1, 1), (0, 1), (-5, 1)],
)
def test_warnings_come_at_thirty_fourteen_seven_and_one_day(days: int, threshold: int | None) -> None:
    """Each day belongs to the nearest threshold that has been passed."""
    assert expiry_threshold(TODAY + timedelta(days=days), TODAY) == threshold


def test_a_connection_works_when_it_gets_through_to_its_organisation() -> None:
    """Missing privileges do not keep it paused; another organisation does."""
    checked = Checked(CONNECTION, {"lead": WHOLE_MAPPING}, (LEADS_ONLY,))
    lacking = replace(WELL, privileges={})
    assert can_work(judged(checked, lacking, TODAY))
    assert not can_work(judged(checked, replace(WELL, identity=Identity("u", OTHER)), TODAY))


def test_a_revoked_connection_fails_without_being_asked() -> None:
    """Nothing is sent; the fix is a new secret."""
    revoked = CONNECTION.model_copy(update={"revoked_at": NOON})
    steps = _steps(Answers(challenge=_refused("revoked"), token=_refused("revoked")), connection=revoked)
    assert (steps["url"].status, steps["token"].status, steps["token"].code) == ("skipped", "failed", "revoked")
