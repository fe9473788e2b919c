"""Personal data as it is shown."""

from typing import Any

import pytest

from core.domain.capture import Capture
from core.domain.masking import initials, masked_emails, masked_text, masked_value, person_shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mara.ohara@fabrikam.example", "m***@fabrikam.example"),
        ('"Mara <mara@x.example>" is no address', '"Mara <m***@x.example>" is no address'),
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
        ("work_phone", "+44 20 7946 0000", "***00"),
        ("Home Street", "1 High St", "***"),
        ("email2", "mara@x.example", "m***@x.example"),
        ("Company", "Fabrikam", "Fabrikam"),
        ("Notes", "write to mara@x.example", "write to m***@x.example"),
        ("Rating", 3, 3),
        ("FirstName", None, None),
    ],
)
def test_fields_are_masked_by_what_they_are(name: str, value: Any, shown: Any) -> None:
    """Company and position are no secrets; whoever it is and where to reach them, are."""
    assert masked_value(name, value) == shown


def test_sentences_lose_what_the_capture_says_of_the_person() -> None:
    """Whole words only, the longest first, so that no name is masked by half."""
    fields = {"FirstName": "Ann", "LastName": "Annan", "FullName": "Ann Annan", "Phone": "+44 1"}
    capture = Capture.model_validate({"prospect": {"fields": fields}})
    said = 'Annually: "Ann Annan" (+44 1) was refused; Ann cannot.'
    assert masked_text(said, capture) == 'Annually: "A. A." (*** 1) was refused; A. cannot.'


def test_a_person_is_shown_by_initials_and_domain() -> None:
    """Whatever is missing is left out."""
    assert person_shown({"FirstName": "Mara", "LastName": "O'Hara", "Email": "m@x.example"}) == "M. O. <m***@x.example>"
    assert person_shown({"LastName": "O'Hara"}) == "O."
    assert person_shown({"Email": "{{Email}}"}) == ""
