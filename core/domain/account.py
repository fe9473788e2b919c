"""The company as an account row: found by its name or another mapped column, linked, created where the action allows.

An account that is there already is linked and never changed; a row that has an account already keeps it. Two accounts
of one name are not guessed about.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.account_named import account_values
from core.domain.delivery import RowWrite, account_claim_key
from core.domain.derived_id import derived_id
from core.domain.mapping import ColumnValue, NotTaken, Policy
from core.domain.references import NotAnswered, References, named_rows
from core.domain.row import Row
from core.domain.subject import Subject
from core.domain.table import Target

# The column that links a row to its account, and how it is written.
ACCOUNT_COLUMNS: Mapping[str, tuple[str, Target]] = {
    "contact": (
        "parentcustomerid",
        Target(table="account", set_name="accounts", navigation="parentcustomerid_account"),
    ),
    "lead": ("parentaccountid", Target(table="account", set_name="accounts", navigation="parentaccountid")),
}


@dataclass(frozen=True, slots=True)
class AccountLink:
    """What is to be done about a row's account."""

    value: ColumnValue | None = None
    creation: RowWrite | None = None
    warnings: tuple[str, ...] = ()
    not_taken: tuple[NotTaken, ...] = ()
    is_in_doubt: bool = False


def account_key(subject: Subject) -> str | None:
    """The claim of whoever creates the account."""
    query = subject.account_query
    return account_claim_key(subject.delivery.organization, query.by, query.value) if query else None


def account_link(subject: Subject, table: str, row: Row | None, references: References, *, new_id: str) -> AccountLink:
    """The account that a row of this table is to be linked to; one that has an account keeps it. `new_id` is fresh
    each time; a new account's follows from it.
    """
    query = subject.account_query
    column, _ = ACCOUNT_COLUMNS[table]
    if query is None or subject.action.account is None or (row and row.content(column)):
        return AccountLink()
    match named_rows(query, references):
        case NotAnswered(why):
            refused = (
                f'The account with the {query.by} "{query.value}" could not be looked up, so none was linked: {why}'
            )
            return AccountLink(warnings=(refused,))
        case [account]:
            return AccountLink(_link(table, account.id))
        case [] if subject.action.account.on_missing == "create":
            return _creation(subject, table, references, new_id)
        case []:
            return AccountLink(
                warnings=(f'No account in Dynamics has the {query.by} "{query.value}": none was linked.',)
            )
        case several:
            why = f'{len(several)} accounts in Dynamics have the {query.by} "{query.value}": none was linked.'
            return AccountLink(warnings=(why,))


def _link(table: str, account_id: str) -> ColumnValue:
    column, target = ACCOUNT_COLUMNS[table]
    return ColumnValue(column, account_id, Policy.FILL_IF_EMPTY, target)


def _creation(subject: Subject, table: str, references: References, new_id: str) -> AccountLink:
    mapped = account_values(subject.mappings, subject.sources, references)
    values = {each.column: each for each in mapped.values}
    if mapped.failures:
        why = f"No account was made: {mapped.failures[0].message}"
        return AccountLink(warnings=(why,), is_in_doubt=mapped.is_in_doubt)
    if "name" not in values:
        return AccountLink(warnings=("The capture names no company: no account was made.",))
    account_id = derived_id("account", new_id)
    creation = RowWrite(
        table="account",
        row_id=account_id,
        etag=None,
        values={name: each.value for name, each in values.items()},
        targets={name: each.target for name, each in values.items() if each.target},
    )
    warnings = tuple(f"New account: {warning}" for warning in mapped.warnings)
    return AccountLink(_link(table, account_id), creation, warnings, mapped.not_taken, mapped.is_in_doubt)
