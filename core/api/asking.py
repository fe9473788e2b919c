"""Who asks, as far as a request tells: the signed-in user behind the app's front, else the address it came from."""

from typing import Annotated

from fastapi import Depends, Query, Request

_WHO_MOST = 200


def asking(request: Request) -> str:
    user = request.headers.get("x-ms-client-principal-name")
    address = request.headers.get("x-forwarded-for", "").partition(",")[0].strip()
    tool = request.headers.get("user-agent", "")
    return (user or " ".join(filter(None, (address or "function key", tool))))[:_WHO_MOST]


Asking = Annotated[str, Depends(asking)]
Reveal = Annotated[
    bool, Query(description="Show names and addresses in clear. That somebody asked is kept in the table `Audit`.")
]
