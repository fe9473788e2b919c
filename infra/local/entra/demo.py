"""A directory with something in it: the application that demonstrations and tests sign in as."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.local.entra.directory import Directory


@dataclass(frozen=True, slots=True)
class Demo:
    tenant_id: str = "11111111-1111-4111-8111-111111111111"
    client_id: str = "22222222-2222-4222-8222-222222222222"
    client_secret: str = "local-demo-secret"
    identity_id: str = "33333333-3333-4333-8333-333333333333"
    """The managed identity, for a service that runs without credentials of its own."""


DEMO = Demo()


def demo_directory(*, clock: Callable[[], float] = time.time) -> Directory:
    directory = Directory(clock=clock)
    directory.add_application(DEMO.tenant_id, DEMO.client_id, secret=DEMO.client_secret, name="demo")
    directory.add_managed_identity(DEMO.tenant_id, DEMO.identity_id, name="local function app")
    return directory
