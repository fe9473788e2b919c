"""Brings a connection's mappings up to date with what Dynamics' tables look like now.

Somebody took a column away, shortened it, or renamed an option since the mapping was saved: the mapping keeps its
rows and its version, and learns the facts anew.
"""

import asyncio

from core.sync.ports import ConnectionSetup, Crm, TurnSettings


async def refresh_mappings(crm: Crm, configuration: TurnSettings, setup: ConnectionSetup) -> None:
    mappings = list(setup.mappings.values())
    tables = await asyncio.gather(*(crm.table(mapping.table) for mapping in mappings))
    for mapping, table in zip(mappings, tables, strict=True):
        fresh = mapping.with_facts(table)
        if fresh != mapping:
            await configuration.refresh_mapping(setup.connection.id, fresh)
