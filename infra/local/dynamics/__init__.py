"""A simulated Dynamics 365 environment: the Dataverse Web API offline, as it is documented.

`dynamics` serves one; see README.md beside this file for what is simulated and what is not.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.local.dynamics.app import EnvironmentApp, Verify
from infra.local.dynamics.organization import Organization
from infra.local.serve import served

__all__ = ["Dynamics", "dynamics"]


@dataclass(frozen=True, slots=True)
class Dynamics:
    """A served environment; `url` has no trailing slash."""

    url: str
    organization_id: str


@contextlib.contextmanager
def dynamics(
    verify: Verify,
    *,
    port: int = 0,
    client_ids: Iterable[str] = (),
    database: Path | None = None,
    name: str = "contoso",
) -> Iterator[Dynamics]:
    """Serves an environment until the block ends.

    `verify` takes a token and the audience it must be for, and answers its claims or raises ValueError; the
    applications in `client_ids` are its application users; with `database` the rows, the organisation and the users
    are kept in that file.
    """
    organization = Organization(name=name, client_ids=client_ids, database=database)
    with (
        contextlib.closing(organization.store),
        served(lambda url: EnvironmentApp(organization, verify, url).asgi(), port=port) as url,
    ):
        yield Dynamics(url, organization.id)
