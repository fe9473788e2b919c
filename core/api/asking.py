"""Who asks, as far as a request tells what the sender cannot make up: the signed-in user where App Service signs users
in (it takes away what a sender says of that), else the address that its front end saw.
"""

from typing import Annotated

from fastapi import Depends, Query, Request

from core.api.services import ServicesDependency
from core.logs import one_line

_WHO_MOST = 200


def asking(request: Request, services: ServicesDependency) -> str:
    user = request.headers.get("x-ms-client-principal-name") if services.has_sign_in else ""
    # The front end puts the address it saw behind whatever was sent.
    address = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    tool = request.headers.get("user-agent", "")
    return one_line(user or " ".join(filter(None, (address or "function key", tool))))[:_WHO_MOST]


Asking = Annotated[str, Depends(asking)]
Reveal = Annotated[
    bool, Query(description="Show names and addresses in clear. That somebody asked is kept in the table `Audit`.")
]
