"""Next links: where the next page begins, wrapped the way Dataverse wraps it.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results

Duty: the link and reading it again. It is to be followed unchanged and with the same page size; Dataverse's pages may
overlap or miss rows otherwise, so here anything else is refused. What is inside is nobody's business but ours.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from infra.local.dynamics import errors
from infra.local.dynamics.query_options import parameters

_TOKEN: Final = "$skiptoken"
_COOKIE: Final = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="False" />')
_INSIDE: Final = re.compile(r'<cookie page="\d+" query="(\w+)"><last>(.*)</last></cookie>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a page is a page of: the rows asked for, and how many fit on one."""

    url: str
    query: str
    page_size: int

    @property
    def sign(self) -> str:
        """Alike for the first page and those behind its links, however the client encodes them."""
        kept = {name: value for name, value in parameters(self.query).items() if name != _TOKEN}
        seen = json.dumps([self.url, self.page_size, kept], sort_keys=True)
        return hashlib.sha256(seen.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def next_link(listing: Listing, *, page: int, last: Sequence[Any]) -> str:
    inside = f'<cookie page="{page - 1}" query="{listing.sign}"><last>{json.dumps(last)}</last></cookie>'
    # Encoded once more than the rest, and equals signs left as they are: so are Dataverse's.
    cookie = f'<cookie pagenumber="{page}" pagingcookie="{quote(inside, safe="")}" istracking="False" />'
    kept = [part for part in listing.query.split("&") if part and unquote(part.partition("=")[0]) != _TOKEN]
    token = quote(cookie, safe="=/")
    return f"{listing.url}?{'&'.join((*kept, f'{_TOKEN}={token}'))}"


def read_token(token: str, listing: Listing) -> tuple[int, list[Any]]:
    """The page's number, and what the last row of the page before was ordered by."""
    match = _COOKIE.fullmatch(token)
    inside = _INSIDE.fullmatch(unquote(match.group(2))) if match else None
    if match is None or inside is None:
        raise errors.query_invalid("The paging cookie is not valid: a next link is followed as it was given.")
    if inside.group(1) != listing.sign:
        raise errors.query_invalid("A next link is followed as it was given, with the same odata.maxpagesize.")
    return int(match.group(1)), _values(inside.group(2))


def _values(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, list) and not any(isinstance(value, (list, dict)) for value in found):
        return found
    raise errors.query_invalid("The paging cookie is not valid: a next link is followed as it was given.")
