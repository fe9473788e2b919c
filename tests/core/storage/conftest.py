"""Tables of a test's own, in real storage."""

import uuid
from collections.abc import AsyncIterator

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient


@pytest.fixture
async def table(storage: str) -> AsyncIterator[TableClient]:
    """A table nobody else uses."""
    async with TableServiceClient.from_connection_string(storage) as service:
        client = await service.create_table(f"t{uuid.uuid4().hex}")
        yield client
        await client.close()
