"""QualifyLead: a lead becomes an account, a contact and an opportunity, as asked.

https://learn.microsoft.com/dynamics365/customer-engagement/web-api/qualifylead
"""

from collections.abc import Mapping
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.database import Row
from infra.local.dynamics.schema import Table
from infra.local.dynamics.work import Work
from infra.local.dynamics.writing import create_row, update_row

_OPEN: Final = 0
_QUALIFIED: Final = 1
_SAME_NAMES: Final = (
    "telephone1", "emailaddress1", "emailaddress2", "emailaddress3", "fax", "address1_line1", "address1_line2",
    "address1_line3", "address1_city", "address1_stateorprovince", "address1_postalcode", "address1_country",
    "description", "donotemail", "donotphone", "donotbulkemail", "donotfax", "donotpostalmail",
)  # fmt: skip
_CONTACT_NAMES: Final = ("firstname", "lastname", "middlename", "jobtitle", "salutation", "mobilephone", "pager")


def qualify_lead(work: Work, row: Row, given: Mapping[str, Any]) -> dict[str, Any]:
    """Rows that the lead is tied to already are not made again."""
    if row["statecode"] != _OPEN:
        raise errors.invalid_argument("The lead is already closed.")
    status = given.get("Status")
    if not isinstance(status, int):
        raise errors.payload("QualifyLead", "The parameter 'Status' is needed.")
    made: list[tuple[Table, str]] = []
    account_id = _account(work, row, given, made)
    contact_id = _contact(work, row, given, account_id, made)
    _opportunity(work, row, given, account_id, contact_id, made)
    _close(work, row, status, account_id, contact_id)
    return {
        "value": [{"@odata.type": f"#Microsoft.Dynamics.CRM.{table.name}", table.id: row_id} for table, row_id in made]
    }


def _account(work: Work, row: Row, given: Mapping[str, Any], made: list[tuple[Table, str]]) -> str | None:
    if row["parentaccountid"] or not given.get("CreateAccount") or not row["companyname"]:
        known: str | None = row["parentaccountid"]
        return known
    table = work.schema.tables["account"]
    values = {"name": row["companyname"], "websiteurl": row["websiteurl"], **_copied(row, table, _SAME_NAMES)}
    return _make(work, table, {**values, **_origin(row)}, made)


def _contact(
    work: Work, row: Row, given: Mapping[str, Any], account_id: str | None, made: list[tuple[Table, str]]
) -> str | None:
    if row["parentcontactid"] or not given.get("CreateContact"):
        known: str | None = row["parentcontactid"]
        return known
    table = work.schema.tables["contact"]
    values = {**_copied(row, table, (*_CONTACT_NAMES, *_SAME_NAMES)), **_origin(row)}
    if account_id:
        values["parentcustomerid_account@odata.bind"] = f"/accounts({account_id})"
    return _make(work, table, values, made)


def _opportunity(
    work: Work,
    row: Row,
    given: Mapping[str, Any],
    account_id: str | None,
    contact_id: str | None,
    made: list[tuple[Table, str]],
) -> None:
    if not given.get("CreateOpportunity"):
        return
    values = {"name": row["subject"] or row["fullname"], **_origin(row)}
    if account_id:
        values["customerid_account@odata.bind"] = f"/accounts({account_id})"
    elif contact_id:
        values["customerid_contact@odata.bind"] = f"/contacts({contact_id})"
    _make(work, work.schema.tables["opportunity"], values, made)


def _make(work: Work, table: Table, values: Mapping[str, Any], made: list[tuple[Table, str]]) -> str:
    row_id = create_row(
        work, table, {name: value for name, value in values.items() if name in table.columns or "@" in name}
    )
    made.append((table, row_id))
    return row_id


def _origin(row: Row) -> dict[str, str]:
    return {"originatingleadid@odata.bind": f"/leads({row['leadid']})"}


def _copied(row: Row, table: Table, names: tuple[str, ...]) -> dict[str, Any]:
    copied = {name: row[name] for name in names if name in table.columns and row.get(name) is not None}
    booleans = {name for name in copied if table.columns[name].kind == "Boolean"}
    return {name: bool(value) if name in booleans else value for name, value in copied.items()}


def _close(work: Work, row: Row, status: int, account_id: str | None, contact_id: str | None) -> None:
    changes: dict[str, Any] = {"statecode": _QUALIFIED}
    if status > 0:  # -1 asks for the default
        changes["statuscode"] = status
    for name, target, row_id in (
        ("parentaccountid", "accounts", account_id),
        ("parentcontactid", "contacts", contact_id),
    ):
        if row_id and not row[name]:
            changes[f"{name}@odata.bind"] = f"/{target}({row_id})"
    table = work.schema.tables["lead"]
    update_row(work, table, row, changes)
