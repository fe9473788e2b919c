"""What we read of one entity against what Microsoft's client reads."""

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from core.errors import RetryableError
from core.storage.entity_read import document_at

KEYS = ["plain", "key|email|0f", "o'hara ü&=+", "a b(c),'d'"]


@pytest.mark.parametrize("key", KEYS)
async def test_documents_are_read_as_the_client_reads_them(table: TableClient, key: str) -> None:
    """Text and compressed pieces, with the ETag that a condition takes; whatever the keys hold."""
    properties = {"document": 'ü "quoted" \U0001f600', "document_0": bytes(range(256)), "document_1": b""}
    await table.create_entity({"PartitionKey": "p'1", "RowKey": key, "state": "done", **properties})
    found = await document_at(table, "p'1", key, what="test")
    assert found is not None
    theirs = await table.get_entity("p'1", key)
    assert {name: found[0][name] for name in properties} == {name: theirs[name] for name in properties}
    assert found[1] == theirs.metadata["etag"]


async def test_what_is_not_there_is_nobodys_failure(table: TableClient) -> None:
    """An entity may be absent; a table may not, and is named."""
    assert await document_at(table, "p", "absent", what="test") is None


async def test_a_table_that_is_not_there_is_named(storage: str) -> None:
    """The template was not deployed, or somebody took the table away."""
    async with TableServiceClient.from_connection_string(storage) as service:
        with pytest.raises(RetryableError, match="table is missing"):
            await document_at(service.get_table_client("nobodymadethis"), "p", "a", what="test")
