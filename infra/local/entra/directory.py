"""The directory: tenants, their applications, and the credentials these may sign in with.

Duty: hold what an administrator would enter, judge a credential, and hand out tokens. It lives in memory and is shared
by the threads of all simulated services. The protocol is `app`'s, the form of a token `tokens`'.
"""

import re
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from cryptography.x509 import Certificate

from infra.local.entra import refusals
from infra.local.entra.tokens import Tokens

_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Secret:
    id: str
    value: str = field(repr=False)
    expires_at: float | None = None

    def is_expired(self, now: float) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass(slots=True)
class Application:
    """An app registration with its service principal, or a managed identity (which has no credentials of its own)."""

    tenant_id: str
    client_id: str
    name: str
    object_id: str
    # Replaced as a whole, never changed in place: another thread may be reading.
    secrets: tuple[Secret, ...] = ()
    certificates: tuple[Certificate, ...] = ()


class Directory:
    """Several tenants. With `resources`, tokens are for these audiences only: the services that are installed."""

    def __init__(self, *, clock: Callable[[], float] = time.time, resources: Collection[str] | None = None) -> None:
        self.clock = clock
        self._resources = resources
        self._tokens = Tokens(clock)
        self._tenants: dict[str, dict[str, Application]] = {}
        self._identities: list[Application] = []

    # What an administrator does

    def add_tenant(self, tenant_id: str) -> None:
        self._tenants.setdefault(tenant_id.lower(), {})

    def add_application(
        self, tenant_id: str, client_id: str, *, secret: str | None = None, name: str = ""
    ) -> Application:
        """Register an application, and the tenant too when it is new; with its first secret when one is given."""
        self.add_tenant(tenant_id)
        application = Application(tenant_id.lower(), client_id.lower(), name or client_id, object_id=str(uuid.uuid4()))
        self._tenants[application.tenant_id][application.client_id] = application
        if secret is not None:
            self.add_secret(tenant_id, client_id, secret)
        return application

    def add_managed_identity(self, tenant_id: str, client_id: str, *, name: str = "") -> Application:
        """The first one is what a request without `client_id` gets: the system-assigned identity."""
        identity = self.add_application(tenant_id, client_id, name=name)
        self._identities.append(identity)
        return identity

    def add_secret(
        self, tenant_id: str, client_id: str, value: str | None = None, *, expires_at: float | None = None
    ) -> Secret:
        """Secrets live side by side, so that a new one can be tried before the old one goes."""
        application = self.application(tenant_id, client_id)
        secret = Secret(str(uuid.uuid4()), value or f"local-{uuid.uuid4().hex}", expires_at)
        application.secrets = (*application.secrets, secret)
        return secret

    def expire_secret(self, secret_id: str, *, at: float | None = None) -> None:
        """Let a secret end, now or at a given time."""
        application, secret = self._holder(secret_id)
        ended = replace(secret, expires_at=self.clock() if at is None else at)
        application.secrets = tuple(ended if each is secret else each for each in application.secrets)

    def remove_secret(self, secret_id: str) -> None:
        application, secret = self._holder(secret_id)
        application.secrets = tuple(each for each in application.secrets if each is not secret)

    def add_certificate(self, tenant_id: str, client_id: str, certificate: Certificate) -> None:
        application = self.application(tenant_id, client_id)
        application.certificates = (*application.certificates, certificate)

    # What is asked of it

    def applications(self) -> list[Application]:
        return [application for tenant in list(self._tenants.values()) for application in list(tenant.values())]

    def application(self, tenant_id: str, client_id: str) -> Application:
        """Raises the refusal that the token endpoint answers for an unknown tenant or application."""
        self.require_tenant(tenant_id)
        found = self._tenants[tenant_id.lower()].get(client_id.lower())
        if found is None:
            raise refusals.unknown_application(client_id, tenant_id)
        return found

    def require_tenant(self, tenant_id: str) -> None:
        if tenant_id.lower() not in self._tenants:
            wellformed = _is_guid(tenant_id) or _DOMAIN.fullmatch(tenant_id)
            raise refusals.unknown_tenant(tenant_id) if wellformed else refusals.malformed_tenant(tenant_id)

    def require_secret(self, application: Application, value: str) -> None:
        """Any secret that has not expired will do. The id of a secret is not its value, a mistake people make."""
        matching = [secret for secret in application.secrets if secret.value == value]
        if not matching:
            raise refusals.wrong_secret(application.client_id)
        if all(secret.is_expired(self.clock()) for secret in matching):
            raise refusals.expired_secret(application.client_id)

    def managed_identity(self, client_id: str | None) -> Application | None:
        """The identity with this id (client or principal), or the first one when none is named."""
        if client_id is None:
            return next(iter(self._identities), None)
        return next((each for each in self._identities if client_id.lower() in {each.client_id, each.object_id}), None)

    # Tokens

    def issue(self, tenant_id: str, client_id: str, audience: str) -> str:
        """A token for this application, without asking for its credential."""
        application = self.application(tenant_id, client_id)
        if self._resources is not None and audience.rstrip("/") not in {each.rstrip("/") for each in self._resources}:
            raise refusals.unknown_resource(audience, tenant_id)
        return self._tokens.issue(
            tenant_id=application.tenant_id,
            client_id=application.client_id,
            object_id=application.object_id,
            audience=audience,
        )

    def verify(self, token: str, audience: str) -> Mapping[str, object]:
        """The claims of a token that a service received; ValueError says in words what is wrong with it."""
        return self._tokens.verify(token, audience)

    def public_keys(self) -> Mapping[str, object]:
        return self._tokens.public_keys()

    def _holder(self, secret_id: str) -> tuple[Application, Secret]:
        for application in self.applications():
            for secret in application.secrets:
                if secret.id == secret_id:
                    return application, secret
        raise KeyError(secret_id)


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
