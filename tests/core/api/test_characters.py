"""Characters that no setting holds are refused at the edge, and the field is named."""

from typing import Any

import pytest

from core.api.characters import check_characters
from core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"rows": [{"constant": "\ud800x"}]}, "rows.0.constant"),
        ({"name": "\udfff"}, "name"),
        ({"campaigns": [{"name": "a\x00b"}]}, "campaigns.0.name"),
        ({"choices": {"a\ud800": "b"}}, "choices.a?"),
        ("\ud800", "body"),
    ],
)
def test_what_cannot_be_kept_is_refused(document: Any, field: str) -> None:
    """Keys too; the answer itself can be written."""
    with pytest.raises(InvalidInputError) as refused:
        check_characters(document)
    assert refused.value.field == field
    refused.value.message.encode()


def test_everything_else_may_stand_in_a_setting() -> None:
    """Line ends, tabs, emoji and any script."""
    check_characters({"name": "Zoë\n\t👩‍👩‍👧 李 \u202e", "rows": [1, None, True, {"x": ["é"]}]})
    check_characters({"body": "\x00"}, allows_control=True)
