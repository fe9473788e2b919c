"""Hosts of the app that may be killed, each behind a proxy of its own where faults strike."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from infra.local.stack import Stack
from tests.faults.fault import Faults
from tests.faults.nursery import Host, Nursery
from tests.faults.proxy import FaultProxy

# Such a host answers requests only. A message that it had taken when it was killed would stay hidden for a while.
REQUESTS_ONLY = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("deliver", "wake", "bulk", "automations", "tidy")}


@dataclass
class Victim:
    """A place for a host: storage, identity and Dynamics lie behind `proxy`, Key Vault behind `vault`."""

    proxy: FaultProxy
    vault: FaultProxy
    nursery: Nursery
    settings: Mapping[str, str]
    current: Host | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def alive(self) -> Host:
        """The host of this place; a new one where the last one is gone."""
        with self._lock:
            if self.current is None or not self.current.is_alive():
                self.current = self.nursery.start(self.settings)
                self.proxy.victim = self.vault.victim = self.current.pid
            return self.current

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
