"""Look-ups use indexes, so that ten thousand rows cost no more than ten."""

import pytest

from infra.local.dynamics.environment import Environment
from infra.local.dynamics.filter_parser import parse_filter
from infra.local.dynamics.filter_sql import Scope

_CLIENT_ID = "aaaaaaaa-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("table", "filter_", "index"),
    [
        ("lead", "emailaddress1 eq 'N1@X.example'", "by_lead_emailaddress1"),
        ("lead", "'N1@X.example' eq emailaddress1", "by_lead_emailaddress1"),
        ("contact", "emailaddress1 eq 'a@x.example' and statecode eq 0", "by_contact_emailaddress1"),
        (
            "lead",
            'Microsoft.Dynamics.CRM.In(PropertyName=\'emailaddress1\',PropertyValues=["a","b"])',
            "by_lead_emailaddress1",
        ),
        ("contact", "_parentcustomerid_value eq 11111111-1111-1111-1111-111111111111", "by_contact_parentcustomerid"),
        ("account", "contact_customer_accounts/any(c:c/lastname eq 'A')", "by_contact_parentcustomerid"),
    ],
)
def test_look_ups_use_an_index(table: str, filter_: str, index: str) -> None:
    """Whatever case is asked for, and on whichever side the value stands."""
    environment = Environment("indexes", (_CLIENT_ID,), None)
    filters = environment.filters(environment.callers.application(_CLIENT_ID))
    scope = Scope(environment.schema.tables[table], "t0")
    condition = filters.condition(parse_filter(filter_, {}), scope)
    plan = environment.database.select(
        f'EXPLAIN QUERY PLAN SELECT 1 FROM "{table}" AS t0 WHERE 1 AND ({condition.text})', condition.values
    )
    environment.database.close()
    assert any(index in str(step[-1]) for step in plan), plan
