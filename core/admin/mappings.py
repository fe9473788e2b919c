"""Saving a mapping: held against the table's live metadata first, then kept as the next version with its facts."""

from typing import Protocol

from core.domain.connection import Connection
from core.domain.findings import Finding, findings, tables_to_describe
from core.domain.mapping import FieldMapping, MappingRow
from core.domain.table import Table
from core.errors import InvalidInputError
from core.sync.ports import Configuration, ConnectionSetup


class MappingRefused(InvalidInputError):  # noqa: N818  # it is said of the mapping
    """Every reason at once, so that an editor mends them in one go."""

    def __init__(self, found: list[Finding], *, status: int = 422) -> None:
        super().__init__(found[0].message, field=found[0].field, status=status)
        self.findings = found


class Describes(Protocol):
    async def table(self, name: str) -> Table: ...


class Descriptions(Protocol):
    async def crm(self, connection: Connection) -> Describes: ...


class Mappings:
    def __init__(self, *, configuration: Configuration, crms: Descriptions) -> None:
        self._configuration = configuration
        self._crms = crms

    async def save(
        self, connection_id: str, table: str, rows: tuple[MappingRow, ...], *, after: int | None = None
    ) -> FieldMapping:
        """Raises MappingRefused, and what Dynamics raises when it cannot be asked. `after`: the version to follow."""
        mapping = await self.checked(connection_id, table, rows)
        return await self._configuration.save_mapping(connection_id, mapping, after=after)

    async def checked(self, connection_id: str, table: str, rows: tuple[MappingRow, ...]) -> FieldMapping:
        """The mapping as it would be saved. Raises as `save` does."""
        setup = await self.setup(connection_id)
        crm = await self._crms.crm(setup.connection)
        live = await crm.table(table)
        targets = {name: await crm.table(name) for name in tables_to_describe(rows, live)}
        if found := findings(rows, live, targets):
            raise MappingRefused(found)
        return FieldMapping(table=table, rows=rows).with_facts(live)

    async def table(self, connection_id: str, table: str) -> Table:
        """The table as Dynamics describes it now."""
        setup = await self.setup(connection_id)
        return await (await self._crms.crm(setup.connection)).table(table)

    async def setup(self, connection_id: str) -> ConnectionSetup:
        setup = await self._configuration.setup(connection_id)
        if setup is None:
            raise InvalidInputError(f"There is no connection {connection_id}.", field="connection", status=404)
        return setup
