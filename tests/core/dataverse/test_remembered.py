"""What named rows were found to be, remembered for a while."""

from core.dataverse.remembered import FOUND_SECONDS, MISSED_SECONDS, RememberedReferences
from core.domain.references import ReferenceQuery
from core.domain.row import Row

ANN = ReferenceQuery("systemuser", "systemusers", "fullname", "Ann Lee")
NOBODY = ReferenceQuery("systemuser", "systemusers", "fullname", "Nobody")
COMPANY = ReferenceQuery("account", "accounts", "name", "Fabrikam", fresh=True)
FOUND = (Row("systemuser", "u1", "", {}),)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_names_are_known_for_minutes_and_what_was_missed_for_seconds() -> None:
    """Somebody is probably about to make it."""
    clock = Clock()
    remembered = RememberedReferences(clock)
    assert remembered.known([ANN, NOBODY]) == {}
    remembered.remember({ANN: FOUND, NOBODY: ()})
    assert remembered.known([ANN, NOBODY]) == {ANN: FOUND, NOBODY: ()}
    clock.now = MISSED_SECONDS
    assert remembered.known([ANN, NOBODY]) == {ANN: FOUND}
    clock.now = FOUND_SECONDS
    assert remembered.known([ANN, NOBODY]) == {}


def test_what_leads_to_a_row_that_is_gone_is_forgotten() -> None:
    """And nothing else."""
    remembered = RememberedReferences(Clock())
    bob = ReferenceQuery("systemuser", "systemusers", "fullname", "Bob")
    remembered.remember({ANN: FOUND, bob: (Row("systemuser", "u2", "", {}),), NOBODY: ()})
    remembered.forget({"u1"})
    assert remembered.known([ANN, bob, NOBODY]).keys() == {bob, NOBODY}


def test_a_fresh_answer_is_never_remembered() -> None:
    """Whether a company has to be made is asked each time."""
    remembered = RememberedReferences(Clock())
    remembered.remember({COMPANY: FOUND})
    assert remembered.known([COMPANY]) == {}
