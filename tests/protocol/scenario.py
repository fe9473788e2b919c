"""A small story to be searched: who delivers what, what is there already, and how much may go wrong."""

from typing import Any, NamedTuple

from tests.protocol.bulk import Batch
from tests.protocol.bystanders import Bystander
from tests.protocol.captures import Delivery
from tests.protocol.intent import State
from tests.protocol.one_at_a_time import results
from tests.protocol.program import Task
from tests.protocol.rows import Row
from tests.protocol.turn import Turn
from tests.protocol.world import World


class Scenario(NamedTuple):
    name: str
    deliveries: tuple[Delivery, ...]
    rows: tuple[tuple[str, Row], ...] = ()
    batch: tuple[tuple[Delivery, ...], ...] = ()  # these deliveries come in one message, in groups that share a key
    bystanders: tuple[Bystander, ...] = ()
    in_order: bool = False  # bystanders act one after the other
    calmly: bool = False  # bystanders act only while no intent is open and no write on its way
    workers: int = 1  # how many run each delivery at the same time
    batch_workers: int = 1
    also_singly: bool = False  # deliveries of the batch are woken one by one too
    losses: int = 2  # workers killed after a request was carried out, or replies lost
    in_flight: int = 0  # requests left behind by a killed worker, to land at any later time
    refused: frozenset[str] = frozenset()
    normalises: bool = False
    unattainable: str = ""  # why a violation is expected

    def world(self) -> World:
        entities = {delivery.key: (1, State()) for delivery in self.deliveries}
        return World(entities, dict(self.rows), {}, {}, refused=self.refused, normalises=self.normalises)

    def tasks(self) -> list[tuple[Task, int]]:
        """What is run, and by how many workers at once."""
        batched = {delivery for group in self.batch for delivery in group}
        single = [d for d in self.deliveries if d not in batched or self.also_singly]
        tasks: list[tuple[Task, int]] = [(Turn((delivery,)), self.workers) for delivery in single]
        return tasks + ([(Batch(self.batch), self.batch_workers)] if self.batch else [])

    def allowed(self) -> set[Any]:
        return results(self.world(), self.deliveries, self.bystanders, in_order=self.in_order)
