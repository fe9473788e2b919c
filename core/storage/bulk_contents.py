"""The blob container `bulk`: what was uploaded, what others put there, and the chunks that it was split into.

The SDK comes with the client, on first use.
https://learn.microsoft.com/rest/api/storageservices/get-blob
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

from core.errors import InvalidInputError
from core.storage.failures import storage_failures
from core.sync.bulk_ports import BlobFacts

if TYPE_CHECKING:
    from azure.storage.blob.aio import ContainerClient


class BlobContents:
    def __init__(self, container: Callable[[], Awaitable["ContainerClient"]]) -> None:
        self._container = container

    async def save(self, name: str, content: bytes) -> None:
        """The same name again is written over."""
        container = await self._container()
        with storage_failures("saving a blob"):
            await container.upload_blob(name, content, overwrite=True)

    async def facts(self, name: str) -> BlobFacts | None:
        """None where there is no such blob."""
        client = (await self._container()).get_blob_client(name)
        try:
            with storage_failures("looking for a blob"):
                found = await client.get_blob_properties()
        except ResourceNotFoundError:
            return None
        return BlobFacts(str(found.etag), found.size, found.content_settings.content_type or "")

    async def stream(self, name: str, *, version: str = "") -> AsyncIterator[bytes]:
        """Block by block, never the whole. Raises InvalidInputError where it is gone, or not that version any more."""
        client = (await self._container()).get_blob_client(name)
        condition: dict[str, Any] = {"etag": version, "match_condition": MatchConditions.IfNotModified}
        try:
            with storage_failures("reading a blob"):
                reader = await client.download_blob(**(condition if version else {}))
                async for block in reader.chunks():
                    yield block
        except ResourceNotFoundError as error:
            raise InvalidInputError(f"There is no blob {name} in the container.", field="blob", status=404) from error
        except ResourceModifiedError as error:
            message = f"The blob {name} was changed while it was read: begin again with a new batch."
            raise InvalidInputError(message, field="blob", status=409) from error

    async def sizes(self, prefix: str) -> dict[str, int]:
        """The blobs whose names begin so, in the order of their names."""
        container = await self._container()
        with storage_failures("listing blobs"):
            return {blob.name: blob.size async for blob in container.list_blobs(name_starts_with=prefix)}

    async def remove(self, prefix: str) -> None:
        """The blobs whose names begin so."""
        container = await self._container()
        with storage_failures("removing blobs"):
            async for blob in container.list_blobs(name_starts_with=prefix):
                await container.delete_blob(blob.name)
