"""Where deliveries and log rows stand: with the connections, and the organisations that these point or pointed to."""

from core.domain.connection import NO_CONNECTION, Connection
from core.sync.ports import Configuration


class Places:
    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    async def connections(self) -> list[str]:
        """With the place of those rows that belong to none."""
        return [*(each.id for each in await self._configuration.connections()), NO_CONNECTION]

    async def organizations(self) -> list[str]:
        """Each once."""
        every = await self._configuration.connections()
        return list(dict.fromkeys(place for each in every for place in _places(each)))


def _places(connection: Connection) -> tuple[str, ...]:
    return connection.partition, *connection.former_organizations
