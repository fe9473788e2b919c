"""An intent whose table changed under it: the same row, with what its columns still take."""

from typing import Any

from core.domain.decision import decide
from core.domain.delivery import Intent, RowWrite
from core.domain.mapping import FieldMapping
from core.domain.references import Found
from core.domain.refitting import refitted
from core.domain.row import Row
from core.domain.subject import Subject
from tests.builders import COLUMNS, NEW_ID, RATINGS, action, capture, column, mapping, row, rows_by_key, subject

ROWS: tuple[dict[str, Any], ...] = (
    {"source": "LastName", "column": "lastname"},
    {"source": "Title", "column": "jobtitle"},
    {"source": "Rating", "column": "leadqualitycode"},
)
SAID: dict[str, Any] = {
    "LastName": "Lovelace",
    "Title": "Countess of Lovelace",
    "Rating": "Hot",
    "Email": "ada@x.example",
}


def _mapping(**columns: Any) -> FieldMapping:
    """With these columns changed; None takes one away."""
    changed = {name: column for name, column in (COLUMNS | columns).items() if column is not None}
    return mapping(*ROWS, columns=changed)


def _about() -> Subject:
    return subject(capture(**SAID), under=action(), mappings={"lead": _mapping()})


def _refitted(*found: Row, **columns: Any) -> Intent:
    about = _about()
    decided = decide(about, Found(rows_by_key(*found)), new_id=NEW_ID)
    assert isinstance(decided, Intent)
    return refitted(decided, about, _mapping(**columns), Found())


def _values(intent: Intent) -> dict[str, Any]:
    assert intent.person is not None
    return intent.person.values


def _note(intent: Intent) -> str:
    (extra,) = intent.extras
    assert isinstance(extra.write, RowWrite)
    return str(extra.write.values["notetext"])


def test_what_still_fits_is_left_as_it_is() -> None:
    """The intent is the same."""
    decided = decide(_about(), Found(), new_id=NEW_ID)
    assert _refitted() == decided


def test_a_column_that_is_gone_is_left_out() -> None:
    """The warning and the note say what was lost; the row keeps its id."""
    intent = _refitted(jobtitle=None)
    assert _values(intent) == {"lastname": "Lovelace", "leadqualitycode": 1}
    assert intent.person is not None
    assert intent.person.row_id == NEW_ID
    assert intent.result.warnings[-1].startswith("jobtitle was left out")
    assert "jobtitle: Countess of Lovelace" in _note(intent)


def test_a_column_that_became_shorter_cuts_its_text() -> None:
    """All of it goes to the note."""
    intent = _refitted(jobtitle=COLUMNS["jobtitle"].model_copy(update={"max_length": 10}))
    assert _values(intent)["jobtitle"] == "Countess…"
    assert "jobtitle: Countess of Lovelace" in _note(intent)


def test_an_option_that_is_gone_is_left_out() -> None:
    """Nobody invents another."""
    fewer = COLUMNS["leadqualitycode"].model_copy(update={"choices": RATINGS[1:]})
    intent = _refitted(leadqualitycode=fewer)
    assert "leadqualitycode" not in _values(intent)
    assert "Warm (2)" in intent.result.warnings[-1]


def test_the_before_image_holds_what_is_changed() -> None:
    """An update that loses a column has nothing to restore there; its ETag and claims stay."""
    found = row(1, emailaddress1="ada@x.example", lastname="Byron", jobtitle="None")
    intent = _refitted(found, jobtitle=None)
    assert intent.result.before == {"lastname": "Byron", "leadqualitycode": None}
    assert intent.person is not None
    assert intent.person.etag == found.etag
    assert intent.row_claim is not None


def test_a_new_account_loses_what_its_table_does_not_take() -> None:
    """It is made and linked all the same, under its id; the warning and the note tell of the rest."""
    name = column("name")
    rows = ({"source": "Company", "column": "name"}, {"source": "Segment", "column": "cap_segment"})
    before = mapping(*rows, table="account", columns={"name": name, "cap_segment": column("cap_segment")})
    after = mapping(*rows, table="account", columns={"name": name})
    said, under = capture(**SAID, Company="Engines", Segment="A"), action(account={"by": "name"})
    decided = decide(
        subject(said, under=under, mappings={"lead": _mapping(), "account": before}), Found(), new_id=NEW_ID
    )
    assert isinstance(decided, Intent)
    assert decided.account is not None
    assert decided.account.values == {"name": "Engines", "cap_segment": "A"}
    about = subject(said, under=under, mappings={"lead": _mapping(), "account": after})
    again = refitted(decided, about, _mapping(), Found())
    assert again.account == decided.account.without({"cap_segment"})
    assert again.person == decided.person
    assert again.result.warnings[-1].startswith("New account: cap_segment was left out")
    assert "cap_segment: A" in _note(again)
