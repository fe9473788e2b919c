"""Transforms: the golden file shows each, and is their documentation; whatever comes, none fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from core.domain.conversion import Transform
from core.domain.mapping import MappingRow
from core.domain.person_name import name_case
from core.domain.phone import COUNTRIES, normal_phone
from core.domain.transforms import STEPS, Steps, reading, transformed
from tests.strategies import any_text, said_values

GOLDEN: list[dict[str, Any]] = json.loads((Path(__file__).parent / "golden/transforms.json").read_text("utf-8"))
_steps: TypeAdapter[Any] = TypeAdapter(Steps)


@pytest.mark.parametrize("shown", GOLDEN, ids=lambda shown: f"{shown['transform']} {shown['input']}"[:60])
def test_each_does_what_is_shown(shown: dict[str, Any]) -> None:
    """Value in, value out, and the warning where a step could not read the value."""
    after = transformed(shown["input"], _steps.validate_python(shown["transform"]))
    assert after.value == shown["output"]
    assert len(after.warnings) == ("warning" in shown)
    assert all(warning.endswith(shown["warning"]) for warning in after.warnings)


def test_each_is_shown() -> None:
    """No step is without an example, nor missing in the README."""
    named: set[str] = set()
    for shown in GOLDEN:
        for step in _steps.validate_python(shown["transform"]):
            named |= {step} if isinstance(step, str) else set(step)
    assert named == set(STEPS)
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    assert [step for step in STEPS if f"`{step}`" not in readme and f'{{"{step}": ' not in readme] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("shout", ["shout", "upper"]),
        ("eval", ["eval", "trim"]),
        ("prefix", ["a text"]),
        ({"prefix": ""}, ["prefix takes a text"]),
        ({"prefix": 1}, ["prefix takes a text"]),
        ({"truncate": 0}, ["number of characters"]),
        ({"truncate": True}, ["number of characters"]),
        ({"item": 0}, ["1 is the first"]),
        ({"split": ""}, ["separator"]),
        ({"replace": {}}, ["table"]),
        ({"replace": {"": "x"}}, ["table"]),
        ({"translate": {"a": 1}}, ["table"]),
        ({"phone": "Germany"}, ["DE"]),
        ({"phone": ["DE"]}, ["DE"]),
        ({"upper": 1}, ["prefix"]),
        ({"prefix": "a", "suffix": "b"}, ["one name"]),
        ({}, ["one name"]),
        (["trim"] * 21, ["20 steps"]),
    ],
    ids=str,
)
def test_what_is_no_step_is_refused(given: Any, words: list[str]) -> None:
    """With what would be accepted."""
    with pytest.raises(ValidationError) as refused:
        MappingRow(column="jobtitle", source="A", transform=given)
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("given", [None, (), []])
def test_no_transform_is_none(given: Any) -> None:
    """Mappings that were saved before know one or nothing."""
    assert MappingRow(column="jobtitle", source="A", transform=given).transform == ()
    assert MappingRow(column="jobtitle", source="A", transform="day_first").transform == ("day_first",)


def test_how_a_column_reads_is_a_step_too() -> None:
    """Wherever it stands among the others."""
    assert reading(("trim", "decimal_comma")) is Transform.DECIMAL_COMMA
    assert reading(("trim", {"prefix": "day_first"})) is None


_shown_steps = st.sampled_from([step for shown in GOLDEN for step in _steps.validate_python(shown["transform"])])


@given(value=said_values, steps=st.lists(_shown_steps, max_size=4).map(tuple))
def test_whatever_comes_none_fails(value: Any, steps: Any) -> None:
    """A text, a list of texts or what was there before comes out; the same each time."""
    after = transformed(value, steps)
    assert after == transformed(value, steps)
    if isinstance(after.value, list) and after.value is not value:
        assert all(isinstance(item, str) for item in after.value)


@given(text=any_text)
def test_a_name_in_its_case_stays(text: str) -> None:
    """Once is enough, and no letter is lost or moved."""
    once = name_case(text)
    assert once.upper() == text.upper()
    assert name_case(once) == once


@given(number=st.text("0123456789 +()-/.x", max_size=30), country=st.sampled_from([*sorted(COUNTRIES), ""]))
def test_a_normal_phone_number_is_normal(number: str, country: str) -> None:
    """Plus and digits, 7 to 15 of them; reading it again, from anywhere, gives the same."""
    normal = normal_phone(number, country)
    if normal is None:
        return
    digits = normal.partition(" ")[0]
    assert digits[0] == "+"
    assert digits[1:].isdigit()
    assert 7 <= len(digits[1:]) <= 15
    assert normal_phone(normal) == normal
