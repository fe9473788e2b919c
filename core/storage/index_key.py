"""The key under which the log's index hashes e-mail addresses.

Made once for each deployment and kept with the configuration, so that whoever holds a copy of the log alone cannot
try addresses on it. (Whoever reads all tables finds people in the ledger anyway.)
"""

import hashlib
import hmac
import secrets

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables.aio import TableClient

from core.storage.failures import storage_failures

_ENTITY = {"PartitionKey": "key", "RowKey": "log-index"}


class IndexKey:
    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._key: bytes | None = None

    async def hashed(self, text: str) -> str:
        """The same text gives the same 32 hex digits, in this deployment only."""
        self._key = self._key or await self._stored()
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]

    async def _stored(self) -> bytes:
        while True:
            with storage_failures("reading the index key"):
                try:
                    entity = await self._table.get_entity(_ENTITY["PartitionKey"], _ENTITY["RowKey"])
                    return bytes.fromhex(entity["key"])
                except ResourceNotFoundError:
                    await self._make()

    async def _make(self) -> None:
        try:
            await self._table.create_entity({**_ENTITY, "key": secrets.token_hex(32)})
        except ResourceExistsError:
            return  # another instance was quicker; its key counts
