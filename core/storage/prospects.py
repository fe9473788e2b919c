"""Prospects as they are listed: by organisation, in the order of their names."""

from collections.abc import Sequence
from dataclasses import dataclass

from azure.data.tables.aio import TableClient

from core.domain.delivery import prospect_key
from core.domain.prospect import Prospect
from core.storage.document import unpacked
from core.storage.failures import storage_failures

_PREFIX = prospect_key("")


@dataclass(frozen=True, slots=True)
class Named:
    """A prospect with the name that the ledger knows it by."""

    organization: str
    name: str
    prospect: Prospect


class TableProspects:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def page(
        self, organizations: Sequence[str], *, most: int, after: str | None
    ) -> tuple[list[Named], str | None]:
        """`after` is organisation and name of the last one of the page before; None: there is nothing more."""
        begins, _, name = (after or "").partition("|")
        found: list[Named] = []
        for organization in sorted(organizations):
            if organization < begins:
                continue
            found += await self._some(organization, most - len(found), name if organization == begins else "")
            if len(found) >= most:
                return found, f"{found[-1].organization}|{found[-1].name}"
        return found, None

    async def some(self, organization: str, *, most: int, after: str) -> list[tuple[str, Prospect]]:
        """Of one organisation, those behind `after`, with their names."""
        return [(each.name, each.prospect) for each in await self._some(organization, most, after)]

    async def _some(self, organization: str, most: int, after: str) -> list[Named]:
        query = self._table.query_entities(
            "PartitionKey eq @organization and RowKey gt @first and RowKey lt @last",
            parameters={"organization": organization, "first": _PREFIX + after, "last": _PREFIX[:-1] + "}"},
            results_per_page=min(most, 1000),
        )
        found: list[Named] = []
        with storage_failures("reading prospects"):
            async for entity in query:
                name = str(entity["RowKey"]).removeprefix(_PREFIX)
                found.append(Named(organization, name, unpacked(entity, Prospect)))
                if len(found) >= most:
                    break
        return found
