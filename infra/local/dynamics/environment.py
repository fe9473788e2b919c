"""One organisation: its tables, rows, users, time, and what a test has ordered of it.

Duty: to own these and to start over. What requests do with them is elsewhere.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, with_config

from infra.local.dynamics import seeding
from infra.local.dynamics.callers import Caller, Callers
from infra.local.dynamics.clock import Clock
from infra.local.dynamics.customizing import Customizations
from infra.local.dynamics.database import Database
from infra.local.dynamics.duplicate_rules import DuplicateRule, shipped_rules
from infra.local.dynamics.faults import Faults
from infra.local.dynamics.filter_sql import FilterSql
from infra.local.dynamics.latency import Latency
from infra.local.dynamics.metadata_files import shipped_schema
from infra.local.dynamics.request_log import RequestLog
from infra.local.dynamics.schema import Schema, Table
from infra.local.dynamics.service_limits import ServiceLimits

EnvironmentKind = Literal["production", "sandbox"]


@with_config(ConfigDict(extra="forbid"))
@dataclass(slots=True)
class Contested:
    """Where the evidence disagrees and a client must stand both: what this environment does."""

    duplicate_rule_status: int = 412
    bind_target_missing_status: int = 400


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids that rows of every environment hang on; made from its first organisation id, so that a reset keeps them."""

    organization: str
    business_unit: str = field(init=False)
    currency: str = field(init=False)
    team: str = field(init=False)
    full_role: str = field(init=False)

    def __post_init__(self) -> None:
        for name in ("business_unit", "currency", "team", "full_role"):
            object.__setattr__(self, name, self.of(name))

    def of(self, name: str) -> str:
        return str(uuid.uuid5(uuid.UUID(self.organization), name))


class Environment:
    def __init__(
        self,
        name: str,
        client_ids: Sequence[str],
        file: Path | None,
        *,
        kind: EnvironmentKind = "production",
        tenant_id: str | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.tenant_id = tenant_id.lower() if tenant_id else None
        """Whose tokens are good here; None for those of any tenant."""
        self.client_ids = tuple(client_ids)
        self.url = ""
        self.database = Database(file)
        self.clock = Clock()
        self.faults = Faults()
        self.latency = Latency()
        self.service_limits = ServiceLimits()
        self.log = RequestLog()
        self.contested = Contested()
        self.duplicate_rules: list[DuplicateRule] = []
        self.ids = Ids(self._kept_fact("seed"))
        self._kept_fact("organization_id", self.ids.organization)
        self._open()

    @property
    def organization_id(self) -> str:
        return str(self.database.fact("organization_id"))

    def become(self, organization_id: str) -> None:
        """As when an environment was copied over this one: the same rows and URL, another organisation."""
        table = self.schema.tables["organization"]
        self.database.update(table, self.organization_id, {table.id: organization_id})
        self.database.set_fact("organization_id", organization_id)

    def reset(self) -> None:
        """Rows, customisations and orders of tests go; organisation id and users stay."""
        self.database.drop_all()
        self.customizations.forget()
        for part in (self.clock, self.faults, self.latency, self.service_limits, self.log):
            part.reset()
        self.contested = Contested()
        self._open()

    def filters(self, caller: Caller) -> FilterSql:
        return FilterSql(self.schema, now=self.clock.now(), caller=caller, index=self.database.index)

    def replace_table(self, table: Table) -> None:
        self.schema.put(table)
        self.database.create(table)

    def _open(self) -> None:
        self.schema: Schema = shipped_schema()
        for table in self.schema.tables.values():
            self.database.create(table)
        self.customizations = Customizations(self.database, self.schema)
        self.customizations.repeat()
        self.duplicate_rules = shipped_rules()
        self.callers = Callers(self.database, self.schema)
        seeding.seed(self)

    def _kept_fact(self, name: str, value: str | None = None) -> str:
        if self.database.fact(name) is None:
            self.database.set_fact(name, value or str(uuid.uuid4()))
        return str(self.database.fact(name))
