"""The `Prefer` header → what the client would like, and what was applied.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors
"""

import fnmatch
import re
from dataclasses import dataclass
from typing import Final

PAGE_LIMIT: Final = 5000
_PREFERENCE: Final = re.compile(r'\s*([\w.\-]+)\s*(?:=\s*("[^"]*"|[^,]*))?\s*(?:,|$)')

_POSITIVE: Final = re.compile(r"0*[1-9][0-9]{0,17}")
_PAGE_SIZE: Final = "odata.maxpagesize"
_ANNOTATIONS: Final = "odata.include-annotations"
_HONOURED: Final = frozenset({"return", _PAGE_SIZE, _ANNOTATIONS, "odata.track-changes"})

FORMATTED: Final = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME: Final = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION: Final = "Microsoft.Dynamics.CRM.associatednavigationproperty"
TOTAL: Final = "Microsoft.Dynamics.CRM.totalrecordcount"
TOTAL_EXCEEDED: Final = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"


@dataclass(frozen=True, slots=True)
class Preferences:
    returns_row: bool = False
    page_size: int | None = None
    annotations: tuple[str, ...] = ()
    continues_on_error: bool = False
    tracks_changes: bool = False
    given: tuple[tuple[str, str], ...] = ()
    """Those that are honoured, by name, as they were written."""

    def applied_to_rows(self) -> str:
        """For Preference-Applied."""
        return ",".join(text for name, text in self.given if name != "return")

    def applied_to_row(self) -> str:
        return ",".join(text for name, text in self.given if name == _ANNOTATIONS)

    def applied_to_write(self) -> str:
        return ",".join(text for name, text in self.given if name in {"return", _ANNOTATIONS})

    def wants(self, annotation: str) -> bool:
        """By name or pattern; a pattern that begins with - takes away."""
        if any(fnmatch.fnmatchcase(annotation, name[1:]) for name in self.annotations if name.startswith("-")):
            return False
        return any(fnmatch.fnmatchcase(annotation, name) for name in self.annotations)


def read_preferences(header: str) -> Preferences:
    if not header:
        return Preferences()
    found = [(match.group(1).lower(), match) for match in _PREFERENCE.finditer(header)]
    given = {name: (match.group(2) or "").strip() for name, match in found}
    size = given.get(_PAGE_SIZE, "")
    if not _POSITIVE.fullmatch(size):
        size = ""
    annotations = given.get(_ANNOTATIONS, "").strip('"')
    honoured = _HONOURED if size else _HONOURED - {_PAGE_SIZE}
    return Preferences(
        returns_row=given.get("return") == "representation",
        page_size=min(int(size), PAGE_LIMIT) if size else None,
        annotations=tuple(name.strip() for name in annotations.split(",") if name.strip()),
        continues_on_error="odata.continue-on-error" in given,
        tracks_changes="odata.track-changes" in given,
        given=tuple((name, match.group().strip(" ,")) for name, match in found if name in honoured),
    )
