"""What pip-audit has found, told in sentences. A package that was not looked up is not taken for harmless."""

import json
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Findings:
    audited: int
    vulnerable: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        told = [f"VULNERABLE: {each}" for each in self.vulnerable]
        told += [f"not audited: {reason} ({count} packages)" for reason, count in Counter(self.skipped).most_common()]
        if not self.audited:
            return ["NOT DONE, nothing could be looked up", *told]
        return [*told, f"{self.audited} packages looked up, {len(self.vulnerable)} vulnerabilities published"]


def findings_in(report: str) -> Findings:
    """Raises ValueError for what is no report of pip-audit's."""
    packages = json.loads(report)["dependencies"]
    skipped = [_reason(each) for each in packages if "skip_reason" in each]
    looked_up = [each for each in packages if "skip_reason" not in each]
    vulnerable = [
        f"{each['name']} {each['version']}: {found['id']}, mended in {_versions(found['fix_versions'])}"
        for each in looked_up
        for found in each["vulns"]
    ]
    return Findings(len(looked_up), tuple(vulnerable), tuple(skipped))


def _versions(mended: list[str]) -> str:
    return ", ".join(mended) or "no version yet"


def _reason(package: dict[str, str]) -> str:
    """Without the package's own name, so that one reason is told once."""
    return package["skip_reason"].partition(":")[0]
