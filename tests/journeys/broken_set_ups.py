"""Connections that are broken on purpose, each in one way, over the running stack: what does the check say of them?

Duty: to break things as people and time do it (in Entra, in Dynamics, in what is typed), through public and control
interfaces only. `python -m tests.journeys.broken_set_ups` prints what a person would read.
"""

import contextlib
import os
import re
import ssl
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import httpx
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from infra.local.certificates import create_certificates
from infra.local.entra import DEMO
from infra.local.serve import served
from infra.local.stack import ROOT, Stack, host_process, stack
from tests.infra.test_entra_certificate import make_identity

NOWHERE = "http://no-such-host.invalid"
_MAPPING = [
    {"source": "LastName", "column": "lastname"},
    {"source": "Company", "column": "companyname"},
    {"constant": "Expo", "column": "subject"},
]


@dataclass
class Workshop:
    """A host of the app that may connect to several environments, and what it takes to break them."""

    app: httpx.Client
    entra: httpx.Client
    dynamics: httpx.Client
    """An environment for this alone: others would notice."""
    spare: httpx.Client
    """Another environment, to be copied over."""
    page: str
    """The address of something that is not Dynamics."""
    impostor: str
    """An address that cannot prove who it is."""
    silent: str
    """An address where nobody listens."""
    tenant_id: str = DEMO.tenant_id
    canary: str = field(default_factory=lambda: f"canary-{uuid.uuid4().hex}")
    """Part of every secret that is made here."""

    def application(self, *, is_user: bool = True, **user: Any) -> str:
        """A new application, and its user in the environment."""
        client_id = str(uuid.uuid4())
        body = {"tenant_id": self.tenant_id, "client_id": client_id}
        self.entra.post("/_control/applications", json=body).raise_for_status()
        if is_user:
            self.user(client_id, **user)
        return client_id

    def secret(self, client_id: str, *, value: str = "", **settings: Any) -> dict[str, Any]:
        """Its id and value, and whatever else Entra tells."""
        body = {"tenant_id": self.tenant_id, "client_id": client_id, **settings}
        body["value"] = value or f"{self.canary}-{uuid.uuid4().hex}"
        made = self.entra.post("/_control/secrets", json=body)
        made.raise_for_status()
        secret: dict[str, Any] = made.json()
        return secret

    def certificate(self, client_id: str, certificate: Certificate) -> None:
        """The application may sign in with it from now on."""
        pem = certificate.public_bytes(Encoding.PEM).decode()
        body = {"tenant_id": self.tenant_id, "client_id": client_id, "certificate": pem}
        self.entra.post("/_control/certificates", json=body).raise_for_status()

    def expire(self, secret: dict[str, Any]) -> None:
        self.entra.patch(f"/_control/secrets/{secret['id']}", json={}).raise_for_status()

    def user(self, client_id: str, **settings: Any) -> None:
        self.dynamics.post("/_control/users", json={"client_id": client_id, **settings}).raise_for_status()

    def role(self, name: str, *without: str) -> str:
        body = {"name": name, "privileges": "all", "without": without}
        self.dynamics.post("/_control/roles", json=body).raise_for_status()
        return name

    def customize(self, **order: Any) -> None:
        self.dynamics.post("/_control/customizations", json=order).raise_for_status()

    def seed(self, table: str, **columns: Any) -> dict[str, Any]:
        seeded = self.dynamics.post(f"/_control/rows/{table}", json=columns)
        seeded.raise_for_status()
        row: dict[str, Any] = seeded.json()
        return row

    # --- Through the product's own API --------------------------------------------------------------------------------

    def save(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """On condition of what stands there now."""
        etag = self.app.get(path).headers.get("etag")
        return self.app.put(path, json=body, headers={"if-match": etag} if etag else {})

    def connect(self, name: str, client_id: str, **settings: Any) -> httpx.Response:
        body = {"url": str(self.dynamics.base_url), "tenant_id": self.tenant_id, "client_id": client_id, **settings}
        if "client_secret" not in settings:
            body["client_secret"] = self.secret(client_id)["value"]
        return self.save(f"/connections/{name}", body)

    def configure(self, name: str, *rows: dict[str, Any]) -> None:
        """A mapping and an action, so that there is something to lack."""
        self.save(f"/connections/{name}/mappings/lead", {"rows": [*_MAPPING, *rows]}).raise_for_status()
        action = {"connection": name, "match": {"tables": "leads"}, "create": "lead", "note": False}
        self.save(f"/actions/{name}", action).raise_for_status()

    def working(self, name: str, **user: Any) -> str:
        """A connection that is well, with its own application."""
        client_id = self.application(**user)
        saved = self.connect(name, client_id)
        assert saved.json()["state"] == "active", saved.text
        self.configure(name)
        return client_id

    def check(self, name: str) -> dict[str, Any]:
        checked = self.app.post(f"/connections/{name}/check")
        checked.raise_for_status()
        result: dict[str, Any] = checked.json()
        return result


@dataclass(frozen=True)
class SetUp:
    """One way to be broken, and the finding it has."""

    title: str
    step: str
    code: str
    breaks: Callable[[Workshop, str], object]

    @property
    def connection(self) -> str:
        return "broken-" + re.sub("[^a-z]+", "-", self.title.lower())


def _expired(workshop: Workshop, name: str) -> None:
    client_id = workshop.application()
    secret = workshop.secret(client_id)
    workshop.connect(name, client_id, client_secret=secret["value"])
    workshop.expire(secret)


def _pasted_id(workshop: Workshop, name: str) -> None:
    client_id = workshop.application()
    workshop.connect(name, client_id, client_secret=workshop.secret(client_id)["id"])


def _unknown_certificate(workshop: Workshop, name: str) -> None:
    pem = make_identity().pem.decode()
    workshop.connect(name, workshop.application(), client_secret=None, client_certificate=pem)


def _revoked(workshop: Workshop, name: str) -> None:
    workshop.working(name)
    workshop.app.post(f"/connections/{name}/revoke", json={"confirm": name}).raise_for_status()


def _lost_privilege(workshop: Workshop, name: str) -> None:
    role = workshop.role("Sync without writing", "prvCreateLead", "prvWriteLead", "prvCreateNote")
    workshop.working(name, roles=(role,))


def _removed_column(workshop: Workshop, name: str) -> None:
    workshop.customize(do="add_column", table="lead", name="cap_badge")
    workshop.working(name)
    workshop.configure(name, {"source": "Badge", "column": "cap_badge"})
    workshop.customize(do="remove_column", table="lead", column="cap_badge")


def _closed_column(workshop: Workshop, name: str) -> None:
    workshop.customize(do="add_column", table="lead", name="cap_score")
    workshop.working(name)
    workshop.configure(name, {"source": "Score", "column": "cap_score"})
    workshop.customize(do="change_column", table="lead", column="cap_score", creatable=False, updatable=False)


def _copied(workshop: Workshop, name: str) -> None:
    """Another environment is copied over the spare one."""
    elsewhere = replace(workshop, dynamics=workshop.spare)
    elsewhere.working(name)
    elsewhere.dynamics.post("/_control/environments/copied", json={}).raise_for_status()


SET_UPS = (
    SetUp("no DNS", "url", "dns", lambda w, n: w.connect(n, w.application(), url=NOWHERE)),
    SetUp("not Dynamics", "url", "not_dynamics", lambda w, n: w.connect(n, w.application(), url=w.page)),
    SetUp("nobody's certificate", "url", "tls", lambda w, n: w.connect(n, w.application(), url=w.impostor)),
    SetUp("silent address", "url", "unreachable", lambda w, n: w.connect(n, w.application(), url=w.silent)),
    SetUp("wrong tenant", "token", "wrong_tenant", lambda w, n: w.connect(n, w.application(), tenant_id=_new_id())),
    SetUp(
        "wrong client id", "token", "AADSTS700016", lambda w, n: w.connect(n, _new_id(), client_secret=f"{w.canary}-x")
    ),
    SetUp(
        "wrong secret",
        "token",
        "AADSTS7000215",
        lambda w, n: w.connect(n, w.application(), client_secret=f"{w.canary}-wrong"),
    ),
    SetUp("secret's id pasted as its value", "token", "secret_id_pasted", _pasted_id),
    SetUp("expired secret", "token", "AADSTS7000222", _expired),
    SetUp("certificate that Entra does not know", "token", "AADSTS700027", _unknown_certificate),
    SetUp(
        "no application user",
        "application_user",
        "0x80072560",
        lambda w, n: w.connect(n, w.application(is_user=False)),
    ),
    SetUp("disabled user", "application_user", "0x80040225", lambda w, n: w.connect(n, w.application(disabled=True))),
    SetUp("no role", "application_user", "0x80042f09", lambda w, n: w.connect(n, w.application(roles=()))),
    SetUp("missing privilege", "privileges.lead", "privilege_missing", _lost_privilege),
    SetUp("mapped column missing", "columns.lead", "column_missing", _removed_column),
    SetUp("mapped column read-only", "columns.lead", "read_only", _closed_column),
    SetUp("revoked", "token", "revoked", _revoked),
    SetUp("organisation changed", "organization", "organization_changed", _copied),
)


@contextlib.contextmanager
def workshop(running: Stack, log: IO[str] | None = None, *, also: str = "") -> Iterator[Workshop]:
    """Beside the running stack. `log` takes what the host says; `also` is one more address to connect to."""
    trust = ssl.create_default_context(cafile=running.certificates.authority)
    page = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse("A page about Dynamics"))])
    environment, spare = _environment(running), _environment(running)
    with contextlib.ExitStack() as parts:
        page_url = parts.enter_context(served(lambda _: page))
        strange = create_certificates(Path(parts.enter_context(tempfile.TemporaryDirectory())))
        impostor = parts.enter_context(served(lambda _: page, certificate=strange.server))
        with served(lambda _: page) as silent:
            pass
        settings = {
            **running.settings,
            "DYNAMICS_ALLOWED_ORIGINS": f"{environment},{spare},{page_url},{impostor},{silent},{NOWHERE},{also}",
            "AzureWebJobs.deliver.Disabled": "true",
            "AzureWebJobs.wake.Disabled": "true",
        }
        host = host_process(ROOT, port=0, key=running.key, settings=settings, log=log)
        _, url = parts.enter_context(host)
        key = {"x-functions-key": running.key}
        yield Workshop(
            parts.enter_context(httpx.Client(base_url=f"{url}/api/v1", headers=key, timeout=30)),
            parts.enter_context(httpx.Client(base_url=running.authority, verify=trust)),
            parts.enter_context(httpx.Client(base_url=environment)),
            parts.enter_context(httpx.Client(base_url=spare)),
            page_url,
            impostor,
            silent,
        )


def _environment(running: Stack) -> str:
    """The URL of a new one."""
    order = {"name": f"workshop-{_new_id()[:8]}"}
    made = httpx.post(f"{running.dynamics.url}/_control/environments", json=order)
    made.raise_for_status()
    return str(made.json()["url"])


def printed(set_up: SetUp, result: dict[str, Any]) -> str:
    """What is wrong, and how to mend it; the rest in a line."""
    lines = [f"{set_up.title}"]
    for step in result["steps"]:
        if step["status"] == "failed":
            lines += [f"  FAILED {step['name']} [{step['code']}]: {step['message']}", f"         -> {step['fix']}"]
    for status in ("note", "skipped", "passed"):
        if names := [step["name"] for step in result["steps"] if step["status"] == status]:
            lines.append(f"  {status}: {', '.join(names)}")
    return "\n".join(lines)


def _new_id() -> str:
    return str(uuid.uuid4())


def main() -> None:
    """Without what the hosts say meanwhile."""
    with Path(os.devnull).open("w") as silence, stack(port=0) as running, workshop(running, silence) as broken:
        for set_up in SET_UPS:
            set_up.breaks(broken, set_up.connection)
            print(printed(set_up, broken.check(set_up.connection)), end="\n\n")


if __name__ == "__main__":
    main()
