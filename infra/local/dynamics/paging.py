"""Next links: where the next page begins, wrapped the way Dataverse wraps it.

Clients must follow the link unchanged; what is inside is nobody's business but ours.
"""

import base64
import json
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from infra.local.dynamics import errors

_COOKIE: Final = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([\w\-=]*)" istracking="False" />')


def next_link(url: str, query: str, *, page: int, last: Sequence[Any]) -> str:
    inside = base64.urlsafe_b64encode(json.dumps(last).encode()).decode()
    cookie = f'<cookie pagenumber="{page}" pagingcookie="{inside}" istracking="False" />'
    kept = [part for part in query.split("&") if part and not part.startswith(("$skiptoken=", "%24skiptoken="))]
    return f"{url}?{'&'.join((*kept, f'$skiptoken={quote(cookie)}'))}"


def read_token(token: str) -> tuple[int, list[Any]]:
    """The page's number, and what the last row of the page before was ordered by."""
    match = _COOKIE.fullmatch(token)
    try:
        if match:
            return int(match.group(1)), list(json.loads(base64.urlsafe_b64decode(match.group(2))))
    except ValueError:
        pass
    raise errors.query_invalid("The paging cookie is not valid: a next link is followed as it was given.")
