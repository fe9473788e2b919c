"""Configuration in real Table Storage."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables.aio import TableClient

from core.domain.action import SyncAction
from core.domain.connection import Connection, Pause
from core.domain.mapping import FieldMapping, MappingRow
from core.domain.table import Column
from core.errors import UnreadableDocumentError
from core.storage.configuration import REMEMBERED_SECONDS, TableConfiguration
from core.storage.document import packed
from core.storage.mapping_versions import TableMappingVersions, partition_of, version_key

GUID = "11111111-1111-4111-8111-111111111111"
CONNECTION = Connection(
    id="contoso",
    name="Contoso",
    url="https://c.crm4.dynamics.com",
    tenant_id=GUID,
    client_id=GUID,
    organization_id=GUID,
)
ACTION = SyncAction.model_validate(
    {"id": "booth", "connection": "contoso", "match": {"tables": "leads"}, "create": "lead", "campaigns": []}
)
MAPPING = FieldMapping(
    table="lead",
    rows=(MappingRow(column="lastname", source="LastName"),),
    columns={"lastname": Column(name="lastname", type="String", max_length=50)},
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_what_is_not_there_reads_as_none(table: TableClient) -> None:
    """An unknown action or connection is no error here."""
    configuration = TableConfiguration(table)
    assert await configuration.action("booth") is None
    assert await configuration.setup("contoso") is None
    assert await configuration.connections() == []


@pytest.mark.parametrize("odd", ["/", "a#b", "a?b", "\\", "\u0007", "a\n", "Booth", ""])
async def test_nothing_is_called_what_no_key_takes(table: TableClient, odd: str) -> None:
    """Storage would refuse the question as a whole, and whoever asked would be told to come again."""
    configuration = TableConfiguration(table)
    assert (await configuration.action(odd), await configuration.setup(odd)) == (None, None)


async def test_a_mapping_reads_dates_in_the_zone_its_connection_has_now(table: TableClient) -> None:
    """The zone is the connection's: another one counts from then on, for mappings that were saved before too."""
    configuration = TableConfiguration(table)
    await configuration.save_mapping("contoso", MAPPING.in_zone("Asia/Tokyo"))
    for zone in ("Europe/Berlin", "America/New_York"):
        await configuration.save_connection(CONNECTION.model_copy(update={"time_zone": zone}))
        setup = await configuration.setup("contoso")
        assert setup is not None
        assert setup.mappings["lead"].time_zone == zone


async def test_a_connection_comes_with_all_that_belongs_to_it(table: TableClient) -> None:
    """One read gives the connection, its current mappings and its pause."""
    configuration = TableConfiguration(table)
    await configuration.save_connection(CONNECTION)
    first = await configuration.save_mapping("contoso", MAPPING)
    second = await configuration.save_mapping("contoso", MAPPING)
    pause = Pause(reason="throttled", until=datetime(2026, 5, 4, tzinfo=UTC))
    await configuration.save_pause("contoso", pause)
    setup = await TableConfiguration(table).setup("contoso")
    assert setup is not None
    assert (first.version, second.version) == (1, 2)
    assert (setup.connection, setup.mappings, setup.pause) == (CONNECTION, {"lead": second}, pause)
    await configuration.save_pause("contoso", None)
    setup = await configuration.setup("contoso")
    assert setup is not None
    assert setup.pause is None


@pytest.mark.parametrize("order", list(itertools.permutations((5, 300, 40))))
async def test_the_longest_of_several_pauses_holds(table: TableClient, order: tuple[int, ...]) -> None:
    """Instances that meet one limit are each told another wait; in whatever order they write, none is cut short."""
    began = datetime(2026, 5, 4, tzinfo=UTC)
    await TableConfiguration(table).save_connection(CONNECTION)
    pauses = [Pause(reason="throttled", until=began + timedelta(seconds=wait)) for wait in order]
    await asyncio.gather(*(TableConfiguration(table).lengthen_pause("contoso", pause) for pause in pauses))
    setup = await TableConfiguration(table).setup("contoso")
    assert setup is not None
    assert setup.pause is not None
    assert setup.pause.until == began + timedelta(seconds=300)


async def test_a_pause_without_end_is_not_shortened(table: TableClient) -> None:
    """Until somebody mends the connection, a limit that is reached has nothing to say."""
    configuration = TableConfiguration(table)
    await configuration.save_connection(CONNECTION)
    await configuration.save_pause("contoso", Pause(reason="copied"))
    await configuration.lengthen_pause("contoso", Pause(reason="throttled", until=datetime(2026, 5, 4, tzinfo=UTC)))
    setup = await TableConfiguration(table).setup("contoso")
    assert setup is not None
    assert setup.pause == Pause(reason="copied")


async def test_two_editors_never_save_the_same_version(table: TableClient) -> None:
    """Another process that saved meanwhile has the number; the next one goes to us."""
    one, other = TableConfiguration(table), TableConfiguration(table)
    await one.save_connection(CONNECTION)
    versions = [(await editor.save_mapping("contoso", MAPPING)).version for editor in (one, other, one, other)]
    assert versions == [1, 2, 3, 4]


async def test_of_two_editors_who_saw_the_same_version_one_is_told(table: TableClient) -> None:
    """And the version in force is the one with the highest number, whoever saved at once."""
    editors = [TableConfiguration(table) for _ in range(4)]
    await editors[0].save_connection(CONNECTION)
    saving = [editor.save_mapping("contoso", MAPPING, after=0) for editor in editors]
    saved = await asyncio.gather(*saving, return_exceptions=True)
    assert sorted(type(each).__name__ for each in saved) == [*["ChangedMeanwhileError"] * 3, "FieldMapping"]
    await asyncio.gather(*(editor.save_mapping("contoso", MAPPING) for editor in editors))
    setup = await TableConfiguration(table).setup("contoso")
    assert setup is not None
    assert setup.mappings["lead"].version == 5


async def test_a_version_is_saved_and_put_in_force_at_once(table: TableClient) -> None:
    """An editor that is killed leaves both or neither; where one stands alone all the same, nobody is locked out."""
    configuration = TableConfiguration(table)
    await configuration.save_connection(CONNECTION)
    first = await configuration.save_mapping("contoso", MAPPING)
    half_done = first.model_copy(update={"version": 2})
    keys = {"PartitionKey": partition_of("contoso"), "RowKey": version_key("lead", 2)}
    await table.create_entity({**keys, **packed(half_done)})
    assert (await configuration.save_mapping("contoso", MAPPING, after=1)).version == 3
    versions = await TableMappingVersions(table).newest("contoso", "lead", most=9)
    assert [each.mapping.version for each in versions] == [3, 2, 1]


async def test_what_cannot_be_read_takes_nothing_else_along(table: TableClient) -> None:
    """It is told by its key, can be replaced, and can be deleted."""
    configuration = TableConfiguration(table)
    await configuration.save_action(ACTION)
    broken = {"PartitionKey": "action", "RowKey": "broken", "document": '{"id": "broken", "greater": null}'}
    await table.create_entity(broken)
    found = await configuration.every_action()
    assert (found.items, list(found.unreadable)) == ([ACTION], ["broken"])
    with pytest.raises(UnreadableDocumentError, match="sync action broken"):
        await configuration.action("broken")
    mended = ACTION.model_copy(update={"id": "broken"})
    await configuration.save_action(mended)
    assert await configuration.action("broken") == mended
    await configuration.delete_action("broken")
    assert [each.id for each in await configuration.actions()] == ["booth"]


@pytest.mark.parametrize("key", ["connection", "mapping|lead"])
async def test_a_broken_part_of_one_connection_leaves_the_others(table: TableClient, key: str) -> None:
    """A connection is passed over by itself; a mapping is told of, and the next version takes its place."""
    configuration = TableConfiguration(table)
    for name in ("contoso", "other"):
        await configuration.save_connection(CONNECTION.model_copy(update={"id": name}))
    await configuration.save_mapping("contoso", MAPPING)
    await table.upsert_entity({"PartitionKey": partition_of("contoso"), "RowKey": key, "document": "{}"})
    again = TableConfiguration(table)
    found = await again.every_connection()
    assert "other" in [each.id for each in found.items]
    if key == "connection":
        assert list(found.unreadable) == ["contoso"]
        return
    setup = await again.setup("contoso")
    assert setup is not None
    assert (setup.mappings, list(setup.unreadable)) == ({}, ["lead"])
    assert (await again.save_mapping("contoso", MAPPING)).version == 2


async def test_another_process_sees_a_change_after_seconds(table: TableClient) -> None:
    """What is remembered is remembered for seconds; what oneself saves is seen at once."""
    clock = Clock()
    one, other = TableConfiguration(table, clock), TableConfiguration(table, clock)
    await one.save_action(ACTION)
    assert await other.action("booth") == ACTION
    changed = ACTION.model_copy(update={"enabled": False})
    await one.save_action(changed)
    assert await one.action("booth") == changed
    assert await other.action("booth") == ACTION
    clock.now += REMEMBERED_SECONDS
    assert await other.action("booth") == changed
