"""The search can find things: without any one of the safeguards the promise breaks."""

import pytest

from tests.protocol.explorer import Explorer
from tests.protocol.mutations import GOES_WRONG_IN, story_without
from tests.protocol.safeguards import Safeguard


@pytest.mark.parametrize("safeguard", Safeguard, ids=lambda safeguard: safeguard.name)
def test_nothing_is_there_in_vain(safeguard: Safeguard) -> None:
    """Taken out, a story ends as no order would, or its workers never come to an end."""
    _, way = Explorer(story_without(safeguard), frozenset({safeguard})).search()
    assert way


def test_every_safeguard_has_a_story() -> None:
    """A safeguard that is added brings the story that shows what it is good for."""
    assert set(GOES_WRONG_IN) == set(Safeguard)
