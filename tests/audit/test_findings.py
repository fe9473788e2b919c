"""A vulnerability fails, and what was not looked up is not taken for harmless."""

import json

import pytest

from tests.audit.findings import findings_in

SOUND = {"name": "httpx", "version": "0.28.1", "vulns": []}
HURT = {
    "name": "aiohttp",
    "version": "3.0.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.0.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
UNKNOWN = {"name": "pydantic", "skip_reason": "Dependency not found on PyPI and could not be audited: pydantic (2)"}


def test_vulnerabilities_are_named_with_their_remedy() -> None:
    """Package, version, number, and the version that mends it."""
    found = findings_in(json.dumps({"dependencies": [SOUND, HURT]}))
    assert found.vulnerable == (
        "aiohttp 3.0.0: PYSEC-1, mended in 3.0.1",
        "aiohttp 3.0.0: PYSEC-2, mended in no version yet",
    )
    assert found.sentences[-1] == "2 packages looked up, 2 vulnerabilities published"


def test_what_was_not_looked_up_is_told_apart() -> None:
    """pip-audit itself says that nothing is known, and ends well, where it found no list at all."""
    found = findings_in(json.dumps({"dependencies": [UNKNOWN, UNKNOWN]}))
    assert (found.audited, found.vulnerable, len(found.skipped)) == (0, (), 2)
    assert found.sentences[0].startswith("NOT DONE")
    assert found.sentences[1].startswith("not audited: Dependency not found")
    assert "(2 packages)" in found.sentences[1]


@pytest.mark.parametrize("report", ["", "[]x", "No known vulnerabilities found"])
def test_what_is_no_report_is_refused(report: str) -> None:
    """Rather than read as good news."""
    with pytest.raises(ValueError, match=r"Expecting|Extra"):
        findings_in(report)
