"""Personal data as it is shown."""

from typing import Any

import pytest

from core.domain.capture import Capture
from core.domain.masking import Masking, initials, masked_emails, masked_value, person_in_clear, person_shown


def _masking(*, answers: list[dict[str, Any]] | None = None, **fields: Any) -> Masking:
    return Masking(Capture.model_validate({"prospect": {"id": 777, "fields": fields}, "answers": answers or []}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mara.ohara@fabrikam.example", "m***@fabrikam.example"),
        ("a@b.example, c@d.example", "a***@b.example, c***@d.example"),
        ("nobody here", "nobody here"),
    ],
)
def test_addresses_keep_their_first_letter_and_domain(text: str, shown: str) -> None:
    """Wherever they stand in a text."""
    assert masked_emails(text) == shown


@pytest.mark.parametrize(("name", "shown"), [("Mara O'Hara", "M. O."), ("Åsa", "Å."), ("", ""), ("(unknown)", "")])
def test_names_keep_their_initials(name: str, shown: str) -> None:
    """What is no letter is no initial."""
    assert initials(name) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("FirstName", "Mara", "M."),
        ("vorname", "Xaver", "X."),
        ("Nachname", "Müller", "M."),
        ("contact name", "Mara O'Hara", "M. O."),
        ("work_phone", "+44 20 7946 0000", "***00"),
        ("tel", "+49 170 1234567", "***67"),
        ("whatsapp", "0170/123 45 67", "***67"),
        ("Home Street", "1 High St", "***"),
        ("straße", "Hauptstraße 1", "***"),
        ("geburtsdatum", "1980-05-04", "***"),
        ("dob", "4.5.80", "***"),
        ("notes", "is ill, write to mara@x.example", "m***@x.example"),
        ("email2", "Mara O'Hara <mara@x.example>", "m***@x.example"),
        ("what nobody has heard of", 17, "***"),
        ("newsletter", True, "***"),
        ("q.12", ["A", "B"], "***"),
        ("Company", "Fabrikam", "Fabrikam"),
        ("Firma", "Fabrikam", "Fabrikam"),
        ("Company", "mara@x.example", "m***@x.example"),
        ("Company", "+49 170 1234567", "***67"),
        ("Country", "DE", "DE"),
        ("Revenue", "1.200.000", "1.200.000"),
        ("Rating", 3, 3),
        ("FirstName", None, None),
        ("Email", "{{Email}}", "{{Email}}"),
    ],
)
def test_what_is_not_known_to_be_harmless_is_masked(name: str, value: Any, shown: Any) -> None:
    """Company and position are no secrets; whoever it is, where to reach them, and whatever else they said, are."""
    assert masked_value(name, value) == shown


def test_a_column_tells_what_a_field_is() -> None:
    """A form may call a phone number "Company"; the mapping knows better."""
    assert masked_value("Company", "Fabrikam", ["companyname"]) == "Fabrikam"
    assert masked_value("Company", "4711", ["companyname", "telephone1"]) == "***"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('"Ann Annan" was refused; Ann cannot, annually.', '"***" was refused; *** cannot, annually.'),
        ('Interests (q.12) was left out: "Boats" is no option.', 'Interests (q.12) was left out: "***" is no option.'),
        ('"Ann ann@x.example;" is no address.', '"a***@x.example" is no address.'),
        ('"ANNAN, Ann" is too long.', '"***" is too long.'),
        ('2 accounts have the name "Fabrikam".', '2 accounts have the name "Fabrikam".'),
        ('"03/04/2026" could be two days: "day_first".', '"***" could be two days: "day_first".'),
        ("The filter leaves it out: Land must be “DE”.", "The filter leaves it out: Land must be “DE”."),
        ('a "broken quotation', 'a "***"'),
    ],
)
def test_what_our_sentences_quote_is_masked(said: str, shown: str) -> None:
    """Also what a transform made of it, or an earlier capture said: only what is known to be harmless stays."""
    masking = _masking(
        FirstName="Ann",
        FullName="Ann Annan",
        Company="Fabrikam",
        answers=[{"id": "12", "title": "Interests", "value": "Boats"}],
    )
    assert masking.sentence(said) == shown


def test_quotation_marks_of_the_person_do_not_end_ours() -> None:
    """Between the first and the last nothing is shown then."""
    masking = _masking(FullName='Ann "Annie" Annan')
    assert masking.sentence('X: "Ann "Annie" Annan" is too long.') == 'X: "***" is too long.'


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Strange thing about ANNAN (ann@x.example)", "Strange thing about *** (***)"),
        ("The lead of Bob Lee, bob@y.example, 0170 1234567", "The lead of Bob Lee, b***@y.example, ***"),
        ("A row with 'Mara Lee' exists; 'firstname' is required.", "A row with '***' exists; 'firstname' is required."),
        ("born on 1980-05-04 with 1f0e3dad-9990-4c4f-8a1b-0123456789ab", None),
        ("Likes boats. Error 0x80040265", "Likes ***. Error 0x80040265"),
    ],
)
def test_words_of_dynamics_lose_everything_that_was_said(said: str, shown: str | None) -> None:
    """Whole words in any case, answers too; quotations but for column names; what looks like an address or number."""
    masking = _masking(LastName="Annan", Email="ann@x.example", answers=[{"id": "12", "value": ["Boats"]}])
    wanted = "born on *** with 1f0e3dad-9990-4c4f-8a1b-0123456789ab"
    assert masking.words(said) == (shown or wanted)


def test_masking_twice_changes_nothing_more() -> None:
    """A row is written again when its person has been erased, from what was masked by then."""
    masking, nobody = _masking(LastName="Annan", Email="ann@x.example"), _masking()
    for text in ('"Annan" is too long.', '"ann@x.example" is no owner.'):
        assert nobody.sentence(masking.sentence(text)) == masking.sentence(text)
    words = masking.words("Annan and 'Bob' of bob@y.example")
    assert nobody.words(words) == words


def test_a_person_is_shown_by_initials_and_domain() -> None:
    """Whatever is missing is left out; of an address with a name before it, the address alone."""
    assert person_shown({"FirstName": "Mara", "LastName": "O'Hara", "Email": "m@x.example"}) == "M. O. <m***@x.example>"
    assert person_shown({"vorname": "Mara", "E-Mail": "Mara <m@x.example>"}) == "M. <m***@x.example>"
    assert person_shown({"LastName": "O'Hara"}) == "O."
    assert person_shown({"Email": "{{Email}}"}) == ""
    assert person_in_clear({"firstname": "Mara", "email": "m@x.example"}) == "Mara <m@x.example>"
