"""Settings: where they come from, and what names them."""

import json
import os
from pathlib import Path

import pytest

from infra.local.functions_host.app_settings import fill_environment, is_disabled, number, resolved
from infra.local.functions_host.errors import HostError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sets, no other one sees."""
    monkeypatch.setattr(os, "environ", {"PLACE": "leads", "NUMBER": "7", "EMPTY": ""})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("%PLACE%", "leads"),
        ("new-%PLACE%-%NUMBER%", "new-leads-7"),
        ("%EMPTY%x", "x"),
        ("PLACE", "PLACE"),
        ("100 %", "100 %"),
        ("%%", "%%"),
        ("", ""),
    ],
)
def test_a_name_between_percent_signs_stands_for_a_setting(text: str, value: str) -> None:
    """Anywhere in the text, and more than once."""
    assert resolved(text) == value


def test_a_setting_that_is_not_there_is_named() -> None:
    """In a sentence."""
    with pytest.raises(HostError, match="there is no setting NOWHERE"):
        resolved("0 %NOWHERE% * * * *")


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("TRUE", True), ("1", True), ("false", False), ("0", False), ("", False)]
)
def test_a_function_is_disabled_by_its_setting(value: str, expected: bool) -> None:  # noqa: FBT001
    """Only that function."""
    os.environ["AzureWebJobs.off.Disabled"] = value  # noqa: SIM112 - the host's own spelling
    assert is_disabled("off") is expected
    assert not is_disabled("on")


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("0", 5), ("", 5), ("-1", 5), ("many", 5)])
def test_a_number_is_a_whole_one_above_nothing(text: str, value: int) -> None:
    """Anything else is as good as unset."""
    os.environ["COUNT"] = text
    assert number("COUNT", 5) == value


def test_local_settings_fill_up_the_environment(tmp_path: Path) -> None:
    """Values that are unset, numbers and byte order mark included; so does what Core Tools would say."""
    values = {"PLACE": "elsewhere", "NEW": "new", "COUNT": 3}
    text = json.dumps({"IsEncrypted": False, "Values": values, "Host": {"LocalHttpPort": 1}})
    (tmp_path / "local.settings.json").write_text(text, encoding="utf-8-sig")
    fill_environment(tmp_path, "http://127.0.0.1:7071")
    assert {name: os.environ[name] for name in values} == {"PLACE": "leads", "NEW": "new", "COUNT": "3"}
    assert os.environ["AZURE_FUNCTIONS_ENVIRONMENT"] == "Development"
    assert os.environ["AzureWebJobsScriptRoot"] == str(tmp_path)  # noqa: SIM112 - the host's own spelling
    assert os.environ["WEBSITE_HOSTNAME"] == "127.0.0.1:7071"
    assert "LocalHttpPort" not in os.environ


def test_no_local_settings_are_no_error(tmp_path: Path) -> None:
    """Nor are settings without values."""
    fill_environment(tmp_path, "http://127.0.0.1:7071")
    (tmp_path / "local.settings.json").write_text("{}")
    fill_environment(tmp_path, "http://127.0.0.1:7071")
    assert os.environ["PLACE"] == "leads"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Values": []}', '{"Values": null}'])
def test_broken_local_settings_are_a_sentence(tmp_path: Path, text: str) -> None:
    """Naming the file."""
    (tmp_path / "local.settings.json").write_text(text)
    with pytest.raises(HostError, match=r"local\.settings\.json cannot be read"):
        fill_environment(tmp_path, "http://127.0.0.1:7071")


def test_encrypted_settings_are_refused(tmp_path: Path) -> None:
    """Rather than handed over as they are."""
    (tmp_path / "local.settings.json").write_text('{"IsEncrypted": true, "Values": {"A": "CfDJ8"}}')
    with pytest.raises(HostError, match="encrypted"):
        fill_environment(tmp_path, "http://127.0.0.1:7071")
