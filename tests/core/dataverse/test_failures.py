"""What every refusal means for what happens next."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataverse.failures import DEFAULT_RETRY_AFTER, error_code, failure_of, retry_after
from core.dataverse.protocol import Response
from core.errors import (
    MisconfiguredConnectionError,
    MissingPrivilegeError,
    RejectedRowError,
    RetryableError,
    SyncError,
    ThrottledError,
)
from tests.builders import refusal

ROW, CONNECTION, RETRY, THROTTLED = RejectedRowError, MisconfiguredConnectionError, RetryableError, ThrottledError

# Every code that Microsoft's pages name for what we send, with the statuses it was seen under.
CODES: list[tuple[str, list[int], type[SyncError]]] = [
    ("0x80040237", [412, 500], ROW),
    ("0x80060892", [412], ROW),
    ("0x80040333", [412, 500], ROW),
    ("0x80040217", [404, 400], ROW),
    ("0x80060891", [404], ROW),
    ("0x80060882", [412], ROW),
    ("0x8006088d", [400], CONNECTION),
    ("0x80040220", [403], MissingPrivilegeError),
    ("0x80040231", [403], ROW),
    ("0x80042f09", [403], CONNECTION),
    ("0x80048306", [403], ROW),
    ("0x80048405", [403], ROW),
    ("0x80040225", [400, 403], CONNECTION),
    ("0x80040229", [400], ROW),
    ("0x80044331", [400], ROW),
    ("0x8004432f", [400], ROW),
    ("0x80044330", [400], ROW),
    ("0x8004431a", [400], ROW),
    ("0x8004431A", [400], ROW),
    ("0x80048408", [400], ROW),
    ("0x80040203", [400], ROW),
    ("0x80040200", [400], ROW),
    ("0x80048d19", [400], ROW),
    ("0x80060888", [404, 400], ROW),
    ("0x8006088a", [400, 404], ROW),
    ("0x8004430c", [400], ROW),
    ("0x80040265", [400, 500], ROW),
    ("0x80040224", [400], ROW),
    ("0x80040224", [500], RETRY),
    ("0x80040227", [405], ROW),
    ("0x80044151", [500, 400], RETRY),
    ("0x80044150", [500, 400], RETRY),
    ("0x80040216", [500], RETRY),
    ("0x80040216", [501, 400], ROW),
    ("0x80040278", [400], ROW),
    ("0x80072321", [429], THROTTLED),
    ("0x80072322", [429], THROTTLED),
    ("0x80072326", [429], THROTTLED),
]
STATUSES: list[tuple[int, type[SyncError]]] = [
    (301, CONNECTION), (302, CONNECTION), (307, CONNECTION), (400, ROW), (401, CONNECTION), (403, CONNECTION),
    (404, ROW), (405, ROW), (408, RETRY), (409, ROW), (412, ROW), (413, ROW), (415, ROW), (422, ROW),
    (429, THROTTLED), (500, RETRY), (501, ROW), (502, RETRY), (503, RETRY), (504, RETRY), (520, RETRY),
]  # fmt: skip
BY_CODE = [pytest.param(status, code, kind, id=f"{status} {code}") for code, seen, kind in CODES for status in seen]


@pytest.mark.parametrize(("status", "code", "kind"), BY_CODE)
def test_status_and_code_together_say_what_happens(status: int, code: str, kind: type[SyncError]) -> None:
    """Refused for good, wait for the administrator, try again: by Dataverse's code first."""
    failure = failure_of(refusal(status, code, x_ms_service_request_id="r-1"))
    assert type(failure) is kind
    assert (failure.code, failure.request_id) == (code.lower(), "r-1")
    assert failure.message.endswith(".")


@pytest.mark.parametrize(("status", "kind"), STATUSES)
@pytest.mark.parametrize("code", [None, "", "0x80099999"], ids=["no JSON", "empty code", "unknown code"])
def test_without_a_known_code_the_status_decides(status: int, kind: type[SyncError], code: str | None) -> None:
    """A single row is rejected for a 4xx, and nothing is given up for a 5xx."""
    failure = failure_of(refusal(status, code))
    assert type(failure) is kind
    if kind is ROW:
        assert failure.code == (code or str(status))


@pytest.mark.parametrize("code", ["0x8004f502", "0x8004f507", "0x80099999"])
def test_a_row_that_may_not_be_written_stops_no_other(code: str) -> None:
    """A secured column, or whatever Dynamics denies of this row by a code of its own. Of a look-up it is the
    connection's, as is what has no code: something between may deny everything.
    """
    assert type(failure_of(refusal(403, code), of_row=True)) is ROW
    assert type(failure_of(refusal(403, code))) is CONNECTION
    assert type(failure_of(refusal(403, ""), of_row=True)) is CONNECTION
    assert type(failure_of(refusal(403, "0x80042f09"), of_row=True)) is CONNECTION


@pytest.mark.parametrize("status", [400, 403])
def test_a_disabled_user_is_the_owner_of_a_row_that_is_written(status: int) -> None:
    """The application user was answered just before."""
    assert type(failure_of(refusal(status, "0x80040225"), of_row=True)) is ROW
    assert type(failure_of(refusal(status, "0x80040225"))) is CONNECTION


@pytest.mark.parametrize("status", [412, 500, 503])
def test_a_duplicate_rule_is_never_retried(status: int) -> None:
    """Microsoft prints 500 for it, servers answer 412: the code decides, lest a 5xx loop repeats it for ever."""
    assert not isinstance(failure_of(refusal(status, "0x80040333")), RetryableError)


@pytest.mark.parametrize(
    ("message", "column"),
    [
        ("The length of the 'mobilephone' attribute of the 'lead' entity exceeded the maximum of '20'.", "mobilephone"),
        ("... The value 42 of 'leadsourcecode' on record of type 'lead' is outside the valid range.", "leadsourcecode"),
        ("The property 'companyname' does not exist on type 'Microsoft.Dynamics.CRM.contact'.", "companyname"),
        ("Could not find a property named 'cap_id' on type 'Microsoft.Dynamics.CRM.contact'.", "cap_id"),
        ("Mara O'Hara's value 'x' is wrong", ""),
        ("", ""),
    ],
)
def test_the_column_is_read_out_of_the_message(message: str, column: str) -> None:
    """But the message itself, which may quote a person, is not kept."""
    failure = failure_of(refusal(400, "0x80044331", message))
    assert isinstance(failure, RejectedRowError)
    assert failure.column == column
    assert "Hara" not in f"{failure} {failure.detail}"


@pytest.mark.parametrize("code", ["0x80044331", "0x8004431a", "0x8004432f", "0x80044330", "0x80048d19", "0x80060888"])
def test_some_refusals_are_the_mappings(code: str) -> None:
    """Metadata has changed since it was saved: the administrator mends the mapping."""
    failure = failure_of(refusal(400, code))
    assert isinstance(failure, RejectedRowError)
    assert failure.about_mapping


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'"x"', b'{"error":"x"}', b'{"error":{"code":null}}', b'{"error":{}}', b"{"]
)
def test_an_answer_without_a_code_has_none(body: bytes) -> None:
    """Older versions leave it empty, proxies have no error at all."""
    assert error_code(Response(400, {}, body)) == ""
    assert isinstance(failure_of(Response(400, {}, body)), RejectedRowError)


# --- How long to wait -------------------------------------------------------------------------------------------------

DATE = "Mon, 04 May 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "37"}, 37),
        ({"retry_after": "5.5"}, 5.5),
        ({"retry_after": " 122 "}, 122),
        ({"retry_after": "Mon, 04 May 2026 12:02:00 GMT", "date": DATE}, 120),
        ({"retry_after": "Mon, 04 May 2026 11:00:00 GMT", "date": DATE}, 1),
        ({"retry_after": "Mon, 04 May 2026 12:02:00 GMT"}, DEFAULT_RETRY_AFTER),
        ({"retry_after": "Mon, 04 May 2026 12:02:00 -0000", "date": DATE}, DEFAULT_RETRY_AFTER),
        ({}, DEFAULT_RETRY_AFTER),
        ({"retry_after": ""}, DEFAULT_RETRY_AFTER),
        ({"retry_after": "soon"}, DEFAULT_RETRY_AFTER),
        ({"retry_after": "nan"}, DEFAULT_RETRY_AFTER),
        ({"retry_after": "0"}, 1),
        ({"retry_after": "-5"}, 1),
        ({"retry_after": "inf"}, 3600),
        ({"retry_after": "1e99"}, 3600),
        ({"retry_after": "99999999"}, 3600),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    """A number, a date, or nothing that can be read; never below a second or above an hour."""
    failure = failure_of(refusal(429, "0x80072322", **headers))
    assert isinstance(failure, ThrottledError)
    assert failure.retry_after == seconds


@given(text=st.text(max_size=40), date=st.text(max_size=40))
def test_no_header_is_too_strange(text: str, date: str) -> None:
    """A wait is always a number of seconds that a clock can add."""
    assert 1 <= retry_after(Response(429, {"retry-after": text, "date": date}, b"")) <= 3600


@pytest.mark.parametrize("status", [503, 502, 500, 408])
def test_an_outage_that_says_how_long_is_believed(status: int) -> None:
    """Nothing is sent before; an outage that says nothing is tried again as usual."""
    failure: Any = failure_of(refusal(status, None, retry_after="30"))
    assert (type(failure), failure.retry_after) == (ThrottledError, 30)
    assert type(failure_of(refusal(status, None))) is RetryableError


def test_dynamics_own_words_are_kept_on_one_line_and_bounded() -> None:
    """They are why; whoever stores them says where."""
    failure = failure_of(refusal(400, "0x80099999", "Strange thing\r\nabout  Mara" + "!" * 2_000))
    assert failure.words.startswith("Strange thing about Mara!")
    assert len(failure.words) == 1_000
    assert "Mara" not in f"{failure} {failure.message} {failure.detail}"
    assert failure_of(Response(502, {}, b"<html>")).words == ""
