"""Hosts of the app that may be killed, each behind a proxy of its own where faults strike."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.local.stack import Stack
from tests.faults.fault import Faults
from tests.faults.nursery import Host, Nursery
from tests.faults.proxy import FaultProxy

# Such a host answers requests only. A message that it had taken when it was killed would stay hidden for a while.
REQUESTS_ONLY = {"AzureWebJobs.deliver.Disabled": "true", "AzureWebJobs.wake.Disabled": "true"}


@dataclass
class Victim:
    """A place for a host: storage, identity and Dynamics lie behind `proxy`, Key Vault behind `vault`."""

    proxy: FaultProxy
    vault: FaultProxy
    nursery: Nursery
    settings: Mapping[str, str]
    current: Host | None = None

    def begin(self, faults: Faults | None = None) -> Host:
        """From here on: these faults, and nothing has passed yet. Starts a host where the last one is gone."""
        host = self.current if self.current and self.current.is_alive() else self.nursery.start(self.settings)
        self.current = host
        self.proxy.begin(faults, victim=host.pid)
        return host

    @contextlib.contextmanager
    def host(self, faults: Faults | None = None) -> Iterator[Host]:
        """A new host, which is gone afterwards."""
        with self.nursery.host(self.settings) as host:
            self.proxy.begin(faults, victim=host.pid)
            yield host


@contextlib.contextmanager
def victim(running: Stack, nursery: Nursery, settings: Mapping[str, str] = REQUESTS_ONLY) -> Iterator[Victim]:
    proxy, vault = FaultProxy(), FaultProxy()
    certificates = running.certificates
    vault_served = vault.serving(running.vault, certificate=certificates.server, trusted=certificates.bundle)
    with proxy.serving() as proxy_url, vault_served as vault_url:
        placed = Victim(proxy, vault, nursery, {**settings, "HTTP_PROXY": proxy_url, "KEY_VAULT_URL": vault_url})
        try:
            yield placed
        finally:
            if placed.current:
                placed.current.kill()
