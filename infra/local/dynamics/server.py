"""The simulator as a whole: environments, each served on a port of its own for as long as the block lasts."""

import contextlib
import functools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp

from infra.local.control import BadOrderError, refuse_order
from infra.local.dynamics.app import DynamicsApp
from infra.local.dynamics.bearer_token import Verify
from infra.local.dynamics.control_routes import ControlRoutes, refuse
from infra.local.dynamics.environment import Environment, EnvironmentKind
from infra.local.dynamics.environment_routes import EnvironmentRoutes
from infra.local.dynamics.errors import DataverseError
from infra.local.serve import served

CLIENT_ID = "11111111-1111-4111-8111-111111111111"


class Dynamics:
    """A running simulator, as its caller sees it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    @property
    def url(self) -> str:
        """Without a trailing slash; the control interface is below it too."""
        return self._environment.url

    @property
    def organization_id(self) -> str:
        return self._environment.organization_id


@contextlib.contextmanager
def dynamics(
    verify: Verify,
    *,
    port: int = 0,
    client_ids: Sequence[str] = (CLIENT_ID,),
    database: Path | None = None,
    name: str = "contoso",
    certificate: Path | None = None,
    tenant_id: str | None = None,
) -> Iterator[Dynamics]:
    """Serve an environment until the block ends.

    `verify` takes a bearer token and the audience it must be for (the environment's URL), and returns its claims or
    raises ValueError. `client_ids` become application users with a full role. `database` is a file that keeps
    everything, so that a restart is the same organisation; without it all is gone at the end. With `certificate` (a PEM
    file with private key and chain) it is https, which Microsoft's own client insists on. With `tenant_id` tokens of
    other tenants are refused.
    """
    with contextlib.ExitStack() as stack:
        servers = _Servers(stack, verify, database, certificate, tenant_id)
        yield Dynamics(servers.start(name, tuple(client_ids), "production", port=port))


class _Servers:
    def __init__(
        self,
        stack: contextlib.ExitStack,
        verify: Verify,
        database: Path | None,
        certificate: Path | None,
        tenant_id: str | None,
    ) -> None:
        self._stack = stack
        self._certificate = certificate
        self._verify = verify
        self._database = database
        self._tenant_id = tenant_id
        self._environments: list[Environment] = []
        self._lock = threading.Lock()

    def start(self, name: str, client_ids: tuple[str, ...], kind: EnvironmentKind, *, port: int = 0) -> Environment:
        """Orders for further environments come from the first one's thread, hence the lock."""
        with self._lock:
            if any(name.lower() == other.name.lower() for other in self._environments):
                raise BadOrderError(f"There is an environment {name} already.")
            environment = Environment(name, client_ids, self._file(name), kind=kind, tenant_id=self._tenant_id)
            self._stack.callback(environment.database.close)
            make_app = functools.partial(self._app, environment)
            self._stack.enter_context(served(make_app, port=port, certificate=self._certificate))
            self._environments.append(environment)
            return environment

    def _file(self, name: str) -> Path | None:
        """Further environments keep their rows beside the first one's."""
        if self._database is None or not self._environments:
            return self._database
        return self._database.with_name(f"{self._database.stem}.{name}{self._database.suffix}")

    def _app(self, environment: Environment, url: str) -> ASGIApp:
        environment.url = url
        control = ControlRoutes(environment)
        environments = EnvironmentRoutes(environment, lambda: self._environments, self.start)
        routes = [*control.routes(), *environments.routes()]
        handlers = {BadOrderError: refuse_order, DataverseError: refuse}
        return DynamicsApp(environment, self._verify, Starlette(routes=routes, exception_handlers=handlers))
