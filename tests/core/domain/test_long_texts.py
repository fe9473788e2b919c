"""Texts as long as a capture may be, made to be slow: whatever reads them does so in a moment.

A worker serves many captures in one loop: a pattern that looks at every pair of letters would stop all of them.
"""

import json
import time
from typing import Any

import pytest

from core.domain.capture import Capture
from core.domain.capture_body import read_capture
from core.domain.decision import decide
from core.domain.delivery import Intent
from core.domain.masking import masked_emails
from core.domain.references import Found
from core.domain.settling import settled_without_search
from core.storage.log_row import email_addresses, log_row
from tests.builders import NEW_ID, action, delivery, document, mapping, subject

LENGTH = 240_000
MOST_SECONDS = 4.0  # of this process alone, so that a busy machine does not count; what is quadratic takes minutes
TEXTS = {
    "one word": "a" * LENGTH,
    "another script": "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(LENGTH // 3)),
    "half tokens": "{{" * (LENGTH // 2),
    "brackets": "[a " * (LENGTH // 3),
    "tokens": "{{a}} " * (LENGTH // 6) + "x",
    "percents": "%a" * (LENGTH // 2),
    "signs of addresses": "a@" * (LENGTH // 2),
    "an endless domain": "a@" + "b." * (LENGTH // 2),
    "blanks": " " * LENGTH + "x",
    "dots": ". " * (LENGTH // 2),
    "digits": "1" * LENGTH,
    "groups": "1," * (LENGTH // 2),
    "schemes": "https://" * (LENGTH // 8),
}
COLUMNS = (
    *("jobtitle", "description", "numberofemployees", "revenue", "birthdate", "estimatedclosedate"),
    *("leadqualitycode", "interests", "donotemail", "stageid"),
)
ROWS: tuple[dict[str, Any], ...] = (
    {"source": "Email", "column": "emailaddress1"},
    {"source": "LastName", "column": "lastname"},
    *({"source": "Story", "column": column} for column in COLUMNS),
    {"source": "Story", "column": "mobilephone", "transform": ["phone"]},
    {"source": "Story", "column": "websiteurl", "transform": ["url"]},
    {"source": "{Story} {LastName}", "column": "companyname"},
)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_long_text_is_read_decided_and_logged_in_a_moment(text: str) -> None:
    """As a field, as an address and as a name."""
    for field in ("Story", "Email", "LastName"):
        fields = {"Email": "a@x.example", "LastName": "L", "Story": "s"} | {field: text}
        body = json.dumps(document(prospect={"id": 7, "fields": fields}), ensure_ascii=False).encode()
        began = time.process_time()
        _all_that_reads_it(body)
        assert time.process_time() - began < MOST_SECONDS, field


def _all_that_reads_it(body: bytes) -> None:
    read = read_capture(body=body, content_type="application/json", query={})
    assert isinstance(read, Capture)
    under = action(match={"by": "email_or_name"}, filter={"all": [{"field": "Story", "not": "q"}]})
    about = subject(read, under=under, mappings={"lead": mapping(*ROWS), "contact": mapping(table="contact")})
    assert settled_without_search(about) is None
    decided = decide(about, Found({}), new_id=NEW_ID)
    result = decided.result if isinstance(decided, Intent) else decided
    done = delivery(read).model_copy(update={"state": "done", "result": result})
    email_addresses(done)
    log_row(done, row_url="", indexes=[], last=None)


def test_addresses_are_found_where_a_word_begins() -> None:
    """Behind any sign that no address holds; in a text of any length."""
    text = f"(ann@x.example),bob@y.example;cyd@z.example {'x' * LENGTH}@long.example"
    masked = masked_emails(text)
    assert masked == "(a***@x.example),b***@y.example;c***@z.example x***@long.example"
