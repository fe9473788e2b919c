"""The column that an action finds accounts by, held against the account mapping when the action is saved."""

import pytest

from core.admin.actions import action_warnings, why_accounts_cannot_be_found
from tests.builders import COLUMNS, action, column, mapping

MAPPED = mapping(
    {"source": "Company", "column": "name"},
    {"source": "Staff", "column": "numberofemployees"},
    {"source": "No", "column": "accountnumber"},
    table="account",
    columns={**COLUMNS, "name": column("name"), "accountnumber": column("accountnumber")},
)


@pytest.mark.parametrize(
    ("by", "is_fine"), [("name", True), ("accountnumber", True), ("numberofemployees", False), ("nonsense", False)]
)
def test_accounts_are_found_by_a_text_that_the_mapping_fills(by: str, is_fine: bool) -> None:  # noqa: FBT001
    """Anything else is refused, and the reason names what would be accepted."""
    why = why_accounts_cannot_be_found(action(account={"by": by}), {"account": MAPPED})
    assert (not why) == is_fine
    assert is_fine or "(name or accountnumber)" in why


def test_without_an_account_mapping_it_is_a_warning() -> None:
    """The mapping may still come."""
    rule = action(account={"by": "accountnumber"})
    assert why_accounts_cannot_be_found(rule, {}) == ""
    assert any("which no account mapping fills" in warning for warning in action_warnings(rule, {}))
