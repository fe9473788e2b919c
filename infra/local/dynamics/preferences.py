"""The `Prefer` header → what the client would like, and what was applied.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors
"""

import fnmatch
import re
from dataclasses import dataclass
from typing import Final

PAGE_LIMIT: Final = 5000
_PREFERENCE: Final = re.compile(r'\s*([\w.\-]+)\s*(?:=\s*("[^"]*"|[^,]*))?\s*(?:,|$)')

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
    applied: str = ""

    def wants(self, annotation: str) -> bool:
        """By name or pattern; a pattern that begins with - takes away."""
        if any(fnmatch.fnmatchcase(annotation, name[1:]) for name in self.annotations if name.startswith("-")):
            return False
        return any(fnmatch.fnmatchcase(annotation, name) for name in self.annotations)


def read_preferences(header: str) -> Preferences:
    if not header:
        return Preferences()
    given = {match.group(1): match.group(2) or "" for match in _PREFERENCE.finditer(header)}
    applied = [match.group().strip(" ,") for match in _PREFERENCE.finditer(header) if match.group(1) in _APPLIED]
    size = given.get("odata.maxpagesize", "")
    annotations = given.get("odata.include-annotations", "").strip('"')
    return Preferences(
        returns_row=given.get("return") == "representation",
        page_size=min(int(size), PAGE_LIMIT) if size.isdigit() and int(size) > 0 else None,
        annotations=tuple(name.strip() for name in annotations.split(",") if name.strip()),
        continues_on_error="odata.continue-on-error" in given,
        tracks_changes="odata.track-changes" in given,
        applied=",".join(applied),
    )


_APPLIED: Final = frozenset({"return", "odata.maxpagesize", "odata.include-annotations", "odata.track-changes"})
