"""An environment: its organisation, its users, its rows and its clock."""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from infra.local.dynamics import refusals
from infra.local.dynamics.store import Store
from infra.local.dynamics.tables import Table, standard_tables
from infra.local.dynamics.writes import Caller, Writer

_APPLICATION_USER = 4  # accessmode: non-interactive


class Organization:
    def __init__(
        self, *, name: str, client_ids: Iterable[str], database: Path | None, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        self.tables: Mapping[str, Table] = standard_tables()
        self.store = Store(self.tables, database)
        self.writer = Writer(self.store, self.tables, self.now)
        self.id = self.store.fact("organization", str(uuid.uuid4()))
        self.business_unit_id = self.store.fact("business_unit", str(uuid.uuid4()))
        self._clock = clock
        self._client_ids = tuple(client_ids)
        self._callers: dict[str, Caller] = {}
        self.populate()

    def now(self) -> str:
        """UTC, to the second, as the Web API shows times."""
        return f"{datetime.fromtimestamp(self._clock(), UTC):%Y-%m-%dT%H:%M:%SZ}"

    def populate(self) -> None:
        """The rows every environment has: a business unit, a currency, and the application users."""
        self._callers.clear()
        system = Caller(self.business_unit_id, self.business_unit_id)
        self._seed("businessunit", self.business_unit_id, {"name": self.name}, system)
        currency = {"currencyname": "Euro", "isocurrencycode": "EUR", "currencysymbol": "€", "exchangerate": 1}
        self._seed("transactioncurrency", self.store.fact("currency", str(uuid.uuid4())), currency, system)
        for client_id in self._client_ids:
            user_id = self.store.fact(f"user {client_id}", str(uuid.uuid4()))
            user = {
                "applicationid": client_id,
                "fullname": f"# {self.name} integration",
                "domainname": f"{client_id}@{self.name}.example",
                "isdisabled": False,
                "accessmode": _APPLICATION_USER,
            }
            self._seed("systemuser", user_id, user, system)

    def caller(self, client_id: str) -> Caller:
        """The application user of an Entra application. Raises Refusal."""
        if client_id not in self._callers:
            users = self.store.select(self.tables["systemuser"], '"applicationid" = ?', (client_id,), limit=1)
            if not users:
                raise refusals.not_a_member()
            if users[0].get("isdisabled"):
                raise refusals.user_disabled()
            self._callers[client_id] = Caller(users[0]["systemuserid"], self.business_unit_id)
        return self._callers[client_id]

    def forget_callers(self) -> None:
        """Users may have been changed."""
        self._callers.clear()

    def _seed(self, table_name: str, row_id: str, values: Mapping[str, object], caller: Caller) -> None:
        table = self.tables[table_name]
        if self.store.get(table, row_id) is None:
            self.writer.seed(table, {table.id_column: row_id, **values}, caller)
