"""What an operator works with, over real tables and a real vault.

Duty: environments that answer as a test says, a queue that is a list, a clock that a test moves. The rest is the
product's own.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from azure.data.tables.aio import TableClient
from azure.keyvault.secrets.aio import SecretClient

from core.admin.connection_check import Checks
from core.admin.connections import ConnectionInput, Connections
from core.admin.revocation import Revocation
from core.admin.upkeep import Upkeep
from core.dataverse.certificate import certificate_credential
from core.domain.check import Challenge, Identity
from core.domain.connection import Connection
from core.domain.credential import Credential
from core.domain.delivery import Delivery, Due, Membership, RowWrite
from core.domain.matching import LookUp
from core.domain.privileges import every_feature
from core.domain.references import Found, ReferenceQuery
from core.domain.table import Table
from core.errors import MisconfiguredConnectionError, RetryableError
from core.key_vault import KeyVault
from core.storage.configuration import TableConfiguration
from core.storage.index_key import IndexKey
from core.storage.ledger import TableLedger
from core.storage.sync_log import TableSyncLog
from core.sync.attempt import Attempts
from core.sync.pinning import Pinning
from core.sync.ports import ABSENT, Change, Versioned
from core.sync.turn import Turns
from core.sync.wake import Wakes
from tests.builders import LEAD, NOON, action, capture, mapping

GUID = "11111111-1111-4111-8111-111111111111"
URL, ELSEWHERE = "https://contoso.crm4.dynamics.com", "https://fabrikam.crm4.dynamics.com"
HERE, THERE = "90aa3b6e-4e50-4e11-8dee-000d3a4f1a01", "90aa3b6e-4e50-4e11-8dee-000d3a4f1a02"


class Outside:
    """Environments by URL, and the credentials that are good there."""

    def __init__(self, vault: KeyVault) -> None:
        self.organizations: dict[str, str] = {URL: HERE, ELSEWHERE: THERE}
        self.good = {"first", "second", "third"}
        self.is_down = False
        self.vault = vault

    def trial(self, connection: Connection, credential: Credential | None = None) -> "Environment":
        return Environment(self, connection, credential)

    async def crm(self, connection: Connection) -> "Environment":
        return Environment(self, connection, None)

    def probe(self, connection: Connection) -> "Environment":
        return Environment(self, connection, None)

    def row_url(self, connection: Connection, table: str, row_id: str) -> str:
        return ""


class Environment:
    """Knows nobody, and takes what it is given from who may."""

    def __init__(self, outside: Outside, connection: Connection, credential: Credential | None) -> None:
        self._outside, self._connection, self._credential = outside, connection, credential

    async def organization_id(self) -> str:
        if self._outside.is_down:
            raise RetryableError("down")
        if await self._value() not in self._outside.good:
            raise MisconfiguredConnectionError("Entra does not accept the secret.", code="AADSTS7000215")
        return self._outside.organizations[self._connection.url]

    async def confirm_organization(self) -> None:
        await self.organization_id()

    async def find(
        self, look_ups: Sequence[LookUp], columns: object, references: Collection[ReferenceQuery] = ()
    ) -> Found:
        await self.organization_id()
        return Found(references=dict.fromkeys(references, ()))

    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        await self.organization_id()
        return True

    async def table(self, name: str) -> Table:
        return LEAD

    # --- What a check asks --------------------------------------------------------------------------------------------

    async def challenge(self) -> Challenge:
        return Challenge(is_dynamics=True, status=401, tenant_id=GUID)

    async def sign_in(self) -> None:
        await self.organization_id()

    async def identity(self) -> Identity:
        return Identity("user", await self.organization_id())

    async def privileges(self, user_id: str) -> Mapping[str, str]:
        return {privilege.name: "Global" for feature in every_feature() for privilege in feature.needs}

    async def change_tracking(self, tables: Sequence[str]) -> Mapping[str, bool]:
        return dict.fromkeys(tables, True)

    async def _value(self) -> str:
        if self._credential:
            return self._credential.value
        return await self._outside.vault.secret(self._connection.secret_name, self._connection.secret_version)


class Office:
    def __init__(self, table: TableClient, client: SecretClient, connection_id: str) -> None:
        async def vault_client() -> SecretClient:
            return client

        self.id, self.table = connection_id, table
        self.now = NOON
        self.client = client
        self.messages: list[str] = []
        self.is_quick = False  # whether messages are taken as soon as they are sent
        self.configuration, self.ledger = TableConfiguration(table, clock=lambda: 0.0), TableLedger(table)
        self.vault = KeyVault(vault_client)
        self.outside = Outside(self.vault)
        pinning = Pinning(ledger=self.ledger, configuration=self.configuration, crms=self.outside, now=self.clock)
        self.connections = Connections(
            configuration=self.configuration,
            vault=self.vault,
            pinning=pinning,
            trials=self.outside,
            read_certificate=certificate_credential,
            allowed_origins=(),
            now=self.clock,
        )
        checks = Checks(configuration=self.configuration, probes=self.outside, pinning=pinning, now=self.clock)
        self.checks = checks
        self.upkeep = Upkeep(
            configuration=self.configuration, checks=checks, connections=self.connections, now=self.clock
        )
        self.revocation = Revocation(configuration=self.configuration, vault=self.vault, now=self.clock)
        self._turns = Turns(
            ledger=self.ledger,
            configuration=self.configuration,
            crms=self.outside,
            now=self.clock,
            new_id=lambda: GUID,
        )
        self.attempts = Attempts(
            turns=self._turns,
            ledger=self.ledger,
            configuration=self.configuration,
            pauses=self.configuration,
            crms=self.outside,
            sync_log=TableSyncLog(table, IndexKey(table)),
            wake_queue=self,
            now=self.clock,
        )
        self.wakes = Wakes(
            attempts=self.attempts,
            ledger=self.ledger,
            configuration=self.configuration,
            pinning=pinning,
            wake_queue=self,
            now=self.clock,
        )

    def clock(self) -> datetime:
        return self.now

    def pass_time(self, **lapse: float) -> None:
        self.now += timedelta(**lapse)

    async def wake(self, organization: str, delivery_id: str, *, after: float = 0.0) -> None:
        self.messages.append(delivery_id)
        if self.is_quick:
            await self.wakes.run(organization, delivery_id)

    async def wake_all(self, organization: str, delivery_ids: Sequence[str], *, after: float = 0.0) -> None:
        for delivery_id in delivery_ids:
            await self.wake(organization, delivery_id, after=after)

    async def connect(self, secret: str = "first", *, connection_id: str = "", **settings: Any) -> Connection:
        """Saves the connection with this secret, and answers it as stored."""
        given = {"url": URL, "tenant_id": GUID, "client_id": GUID, "client_secret": secret, **settings}
        await self.connections.save(connection_id or self.id, ConnectionInput.model_validate(given))
        return await self.connection(connection_id)

    async def connection(self, connection_id: str = "") -> Connection:
        setup = await self.configuration.fresh_setup(connection_id or self.id)
        assert setup is not None
        return setup.connection

    async def configure(self, connection_id: str = "") -> None:
        """An action and a mapping, so that captures can be carried out."""
        name = connection_id or self.id
        await self.configuration.save_action(action(id=name, connection=name, match={"tables": "leads"}, note=False))
        await self.configuration.save_mapping(name, mapping())

    async def receive(self, *, connection_id: str = "", seconds: int = 0) -> Versioned[Delivery]:
        """A capture that came so many seconds after noon; its id says when."""
        connection = await self.connection(connection_id)
        received = NOON + timedelta(seconds=seconds)
        delivery = Delivery(
            id=f"{connection.id}-{seconds:06}",
            organization=connection.partition,
            connection=connection.id,
            action=connection.id,
            capture=capture(Email=f"p{seconds}@x.example", LastName="P"),
            received_at=received,
            due_at=received + timedelta(seconds=30),
        )
        marked = [Change(delivery.key, delivery, ABSENT), Change(delivery.due.key, delivery.due, ABSENT)]
        etags = await self.ledger.commit(delivery.organization, marked)
        assert etags is not None
        return Versioned(delivery, etags[0])

    async def marks(self, organization: str) -> list[Due]:
        return await self.ledger.due(organization, datetime.max.replace(tzinfo=NOON.tzinfo), most=1000)

    async def usable_versions(self, name: str) -> list[str]:
        """The values in the vault that somebody could still sign in with, oldest first."""
        versions = [each async for each in self.client.list_properties_of_secret_versions(name) if each.enabled]
        ids = [each.version for each in versions]
        return sorted([(await self.client.get_secret(name, each)).value or "" for each in ids])
