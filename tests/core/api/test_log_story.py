"""The drill-down in plain words."""

from typing import Any

from core.api.log_story import told
from core.api.log_view import LogDetail
from core.domain.decision import decide
from core.domain.delivery import Result
from core.domain.references import Found
from tests.builders import EARLIER, LATER, NOON, action, capture, known, row, row_id, rows_by_key, subject

ADA: dict[str, Any] = {"LastName": "Lovelace", "Email": "ada@x.example"}


def test_everything_that_was_asked_and_kept_is_told() -> None:
    """Also of the row that another leads to, of the company, and what a late capture left alone."""
    about = subject(
        capture(said_at=EARLIER, **ADA, Title="old", Company="Acme"),
        under=action(match={"tables": "leads"}, account={"by": "name", "on_missing": "leave"}),
        prospect=known(NOON, **ADA),
        received_at=LATER,
    )
    survivor = row(2, lastname="Lovelace", emailaddress1="ada@x.example", jobtitle="new")
    merged = row(1, emailaddress1="ada@x.example", merged=True, statecode=2, _masterid_value=row_id(2))
    result = decide(about, Found(rows_by_key(merged, survivor)), new_id="")
    assert isinstance(result, Result)
    story = told(LogDetail(id="1", connection="contoso", received_at=NOON, explain=result.explain))
    for line in (
        "on_duplicate: most_recently_updated; on_match: update; create: lead; without_key: create",
        "asked lead: by 1 address in emailaddress1, emailaddress2, emailaddress3",
        "asked lead: 1 row that others lead to",
        "asked account: by name",
        "it came late: said at 2026-05-04T11:00:00+00:00, when something newer of 2026-05-04T12:00:00+00:00 was known",
        "kept jobtitle: late",
    ):
        assert line in story, story
