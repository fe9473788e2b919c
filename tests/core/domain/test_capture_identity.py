"""Which delivery it is, and whose."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.capture import Capture, Event, digest, identity, prospect_name, submission_name
from core.domain.capture_body import read_capture
from tests.builders import NOON, capture, document
from tests.strategies import json_documents


def _id(said: dict[str, Any], action: str = "booth") -> str:
    return identity(action, Capture.model_validate(said))


def _changed(part: str, **values: Any) -> dict[str, Any]:
    return document(**{part: document()[part] | values})


def test_the_same_content_is_the_same_delivery() -> None:
    """A call that was repeated because its answer was lost is known again."""
    assert _id(document()) == _id(document())
    assert len(_id(document())) == 32


@given(said=st.fixed_dictionaries({}, optional={"x": json_documents, "y": json_documents}), rng=st.randoms())
def test_the_order_of_keys_does_not_matter(said: dict[str, Any], rng: Any) -> None:
    """Serialisers order keys as they like."""

    def shuffled(tree: Any) -> Any:
        if isinstance(tree, dict):
            names = list(tree)
            rng.shuffle(names)
            return {name: shuffled(tree[name]) for name in names}
        return [shuffled(item) for item in tree] if isinstance(tree, list) else tree

    whole = json.loads(json.dumps(document(**said)).replace("NaN", "0").replace("Infinity", "1"))
    assert _id(whole) == _id(shuffled(whole))


@given(order=st.permutations(["Email", "LastName", "q.1", "q.2", "q.x", "activity_id"]))
def test_the_order_of_a_form_does_not_matter(order: list[str]) -> None:
    """In the flat form, answers are keys like any other."""
    said = {name: f"value of {name}" for name in order}
    as_form = read_capture(body=urlencode(said).encode(), content_type="", query={})
    in_order = read_capture(body=urlencode(sorted(said.items())).encode(), content_type="", query={})
    assert isinstance(as_form, Capture)
    assert isinstance(in_order, Capture)
    assert identity("booth", as_form) == identity("booth", in_order)


@pytest.mark.parametrize(
    "other",
    [
        _changed("form", id=43),
        _changed("submission", activity_id=9002),
        _changed("submission", rating=4),
        _changed("prospect", id=778),
        _changed("prospect", fields={"FirstName": "Maria"}),
        document(answers=[{"id": 12, "title": "Interests", "type": "checkbox", "value": ["A"]}]),
        document(answers=[]),
        document(event="updated"),
        document(extra=1),
    ],
    ids=["form", "activity", "rating", "prospect", "fields", "answer", "no answer", "event", "unknown key"],
)
def test_other_content_is_another_delivery(other: dict[str, Any]) -> None:
    """Two forms never share a delivery, and an edit is not taken for a repeat."""
    assert _id(other) != _id(document())


def test_another_action_is_another_delivery() -> None:
    """One form may feed two actions."""
    assert _id(document(), "booth") != _id(document(), "newsletter")
    assert _id(document(delivery_id="x"), "booth") != _id(document(delivery_id="x"), "newsletter")


def test_the_senders_own_id_wins() -> None:
    """With a delivery id, content does not matter, and no content can pass for an id."""
    assert _id(document(delivery_id="d-1")) == _id({"delivery_id": "d-1", "prospect": {"id": 1}})
    assert _id(document(delivery_id="d-1")) != _id(document(delivery_id="d-2"))
    assert _id(document(delivery_id=17)) == _id(document(delivery_id="17"))


def test_numbers_and_texts_are_the_same_id() -> None:
    """A template with and without quotes around a token says the same."""
    assert _id(_changed("submission", activity_id="9001")) == _id(document())


@given(parts=st.lists(st.text(max_size=5), min_size=1, max_size=3))
def test_a_digest_is_fit_for_a_key(parts: list[str]) -> None:
    """Half characters are digested too; the result is 32 hex digits."""
    assert len(digest(*parts)) == 32
    int(digest(*parts), 16)


# --- Whose ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"prospect": {"id": 777, "fields": {"Email": "a@b.example"}}}, "777"),
        ({"prospect": {"id": "evt:123/45"}}, "id~"),
        ({"prospect": {"id": "x" * 65}}, "id~"),
        ({"prospect": {"fields": {"EMAIL": "a@b.example"}}}, "email~"),
        ({"prospect": {"fields": {"Email": "{{Email}}"}}, "submission": {"activity_id": 1}}, "submission~"),
        ({"submission": {"activity_id": 1}}, "submission~"),
        ({"prospect": {"fields": {"FirstName": "Ada"}}}, "delivery~"),
    ],
    ids=["id", "strange id", "long id", "e-mail", "token", "submission", "nothing"],
)
def test_a_person_is_named_by_the_best_that_is_known(said: dict[str, Any], kind: str) -> None:
    """Captello's id, else the e-mail, else the submission; always fit for a table key."""
    name = prospect_name(Capture.model_validate(said), "d1")
    assert name.startswith(kind)
    assert not set(name) & set("/\\#?\t\n")


def test_a_person_who_is_known_by_a_name_of_ours_keeps_it() -> None:
    """An id that came later opens no second entity for whoever is stored under the first name."""
    known_as = f"email~{'0' * 32}"
    said = Capture.model_validate({"prospect": {"id": 5, "known_as": known_as}})
    assert prospect_name(said, "d1") == known_as


def test_an_address_is_one_person_however_it_is_written() -> None:
    """Blanks and case do not make two people of one."""
    names = {prospect_name(capture(Email=text), "d") for text in ("a@b.example", " A@B.example ")}
    by_email = {
        prospect_name(Capture.model_validate({"prospect": {"fields": {"Email": text}}}), "d")
        for text in ("a@b.example", " A@B.example ")
    }
    assert names == {"777"}
    assert len(by_email) == 1


def test_submissions_of_two_forms_are_two() -> None:
    """Activity ids count within their form; a capture without one is a submission of its own."""
    one, other = ({"form": {"id": form}, "submission": {"activity_id": 1}} for form in (1, 2))
    assert submission_name(Capture.model_validate(one), "d") != submission_name(Capture.model_validate(other), "d")
    assert submission_name(capture(), "d1") != submission_name(capture(), "d2")


# --- When, and what state ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("occurred_at", "said_at"),
    [
        (None, NOON),
        ("2026-05-04T10:00:00Z", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("2026-05-04T10:00:00+02:00", datetime(2026, 5, 4, 8, tzinfo=UTC)),
        ("2026-05-04T10:00:00", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("2026-05-04 10:00", datetime(2026, 5, 4, 10, tzinfo=UTC)),
        ("2026-05-05T10:00:00Z", NOON),
        ("0001-01-01T00:00:00+14:00", datetime(1, 1, 1, tzinfo=UTC) - timedelta(0)),
    ],
    ids=["none", "UTC", "offset", "no zone", "blank for T", "still to come", "before all time"],
)
def test_when_it_was_said(occurred_at: str | None, said_at: datetime) -> None:
    """The capture's own time, in UTC where it has no zone; but nobody has said anything after it was received."""
    said = Capture.model_validate({"occurred_at": occurred_at}).said_at(NOON)
    assert said == said_at or said < said_at == datetime(1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "hold", "held"),
    [
        (Event.CAPTURED, 5, True),
        (Event.UPDATED, "5", True),
        (Event.RELEASED, 5, False),
        (Event.WITHDRAWN, 5, False),
        (Event.CAPTURED, None, False),
        (Event.CAPTURED, 0, False),
        (Event.CAPTURED, " ", False),
    ],
)
def test_held_until_released(event: Event, hold: object, held: bool) -> None:  # noqa: FBT001
    """A hold request makes it wait; its release completes it."""
    said = Capture.model_validate({"event": event, "submission": {"hold_request_id": hold}})
    assert said.is_held is held


@pytest.mark.parametrize(
    ("kind", "fields", "held"),
    [
        ("transcription", {}, True),
        (" Transcription ", {"Company": "Fabrikam", "card": "https://x.example/1.jpg"}, True),
        ("transcription", {"FirstName": "{{FirstName}}", "Email": "", "LastName": "Scanned"}, True),
        ("transcription", {"Email": "mara@x.example"}, False),
        ("transcription", {"last_name": "O'Hara"}, False),
        ("transcription", {"Full Name": "Mara O'Hara"}, False),
        ("barcode", {}, False),
        (None, {}, False),
    ],
)
def test_a_card_that_nobody_has_read_is_held(kind: str | None, fields: dict[str, str], held: bool) -> None:  # noqa: FBT001
    """A transcription without a name and without an address is no person yet."""
    said = Capture.model_validate({"submission": {"type": kind}, "prospect": {"fields": fields}})
    assert said.is_held is held
