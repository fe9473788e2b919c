"""Every interleaving of a scenario's workers, breadth first.

Each request is one step. After a step that changed something, its worker may lose its memory: it was killed, or never
got the reply; either way it starts again from what is stored. (To be killed where nothing has been changed since is
to have been killed there.) A request may be left in flight, to land at any later time.

Worlds, requests and what workers remember are numbered, so that a state is a tuple of small numbers, and a step that
was taken once is looked up.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.protocol.bystanders import Bystander
from tests.protocol.dynamics import Find, Write
from tests.protocol.intent import State
from tests.protocol.one_at_a_time import leftovers, visible
from tests.protocol.program import Ending, Next, Steps, Task
from tests.protocol.safeguards import Without
from tests.protocol.scenario import Scenario
from tests.protocol.storage import Read
from tests.protocol.world import Request, World

ALONE_MOST = 200  # requests that any worker's work can take
NOBODY = -1  # remembers nothing because its work is over


class Memory(NamedTuple):
    """All that a worker knows: which program it runs, where in it, and the replies since."""

    program: int
    task: Task
    replies: tuple[Any, ...] = ()


class Node(NamedTuple):
    world: int
    workers: tuple[int, ...]
    bystanders: tuple[int, ...]  # who has not acted yet
    flying: tuple[int, ...]  # requests
    losses: int
    in_flight: int


class Step(NamedTuple):
    who: str
    request: Request
    reply: Any
    after: Node


class Move(NamedTuple):
    """One worker's request in one world."""

    request: int
    reply: Any
    world: int
    memory: int


class Explorer:
    def __init__(
        self, scenario: Scenario, without: Without = frozenset(), *, apart: bool = False, killed_anywhere: bool = False
    ) -> None:
        self.scenario = scenario
        self._without = without
        self._apart = apart
        self._killed_anywhere = killed_anywhere
        self._allowed = scenario.allowed()
        self._tasks = scenario.tasks()
        self._worlds: list[World] = []
        self._world_numbers: dict[Any, int] = {}
        self._memories: list[Memory] = []
        self._memory_numbers: dict[Memory, int] = {}
        self._requests: list[Request] = []
        self._request_numbers: dict[Request, int] = {}
        self._asked: dict[int, int] = {}  # memory -> request
        self._finishing: dict[tuple[int, int], None] = {}  # world, memory: from here a worker comes to its end alone
        self._moves: dict[tuple[int, int], Move] = {}  # world, memory
        self._fresh = [self._memory(Memory(number, task)) for number, (task, _) in enumerate(self._tasks)]

    def start(self) -> Node:
        workers = tuple(self._fresh[number] for number, (_, copies) in enumerate(self._tasks) for _ in range(copies))
        others = tuple(range(len(self.scenario.bystanders)))
        return Node(
            self._world(self.scenario.world()), workers, others, (), self.scenario.losses, self.scenario.in_flight
        )

    def search(self, most: int = 3_000_000) -> tuple[int, list[Step]]:
        """How many states were seen, and the shortest way to one that breaks the promise or where a worker is stuck."""
        first = self.start()
        came_from: dict[Node, tuple[Node, Step] | None] = {first: None}
        waiting = deque([first])
        while waiting:
            node = waiting.popleft()
            if not all(self.finishes_alone(node.world, memory) for memory in node.workers):
                return len(came_from), _way(came_from, node)
            for step in self.steps(node):
                if step.after in came_from:
                    continue
                came_from[step.after] = (node, step)
                if self.is_wrong(step.after):
                    return len(came_from), _way(came_from, step.after)
                waiting.append(step.after)
            if len(came_from) > most:
                raise AssertionError(f"{self.scenario.name}: more than {most} states")
        return len(came_from), []

    def endings(self) -> set[Any]:
        """Everything that can be seen when all is over."""
        seen, waiting, ends = {self.start()}, [self.start()], set()
        while waiting:
            node = waiting.pop()
            if self.is_over(node) and not (node.bystanders or node.flying):
                ends.add(visible(self._worlds[node.world], self.scenario.deliveries))
            new = {step.after for step in self.steps(node)} - seen
            seen |= new
            waiting += new
        return ends

    def steps(self, node: Node) -> Iterator[Step]:
        for place, memory in enumerate(node.workers):
            if memory != NOBODY:
                yield from self._steps_of(node, place, memory)
        yield from self._landings(node)
        if not self.scenario.calmly or self._is_calm(node):
            yield from self._bystanders(node)

    def is_over(self, node: Node) -> bool:
        return all(memory == NOBODY for memory in node.workers)

    def is_wrong(self, node: Node) -> bool:
        """Judged whenever the workers are done, whether or not bystanders and strays still come."""
        if not self.is_over(node):
            return False
        if node.bystanders or node.flying:
            return False
        world = self._worlds[node.world]
        return visible(world, self.scenario.deliveries) not in self._allowed or any(leftovers(world))

    def finishes_alone(self, world: int, memory: int) -> bool:
        """Whether this worker gets to its end when nobody else does anything any more."""
        way: dict[tuple[int, int], None] = {}
        at = (world, memory)
        while at[1] != NOBODY and at not in self._finishing:
            if at in way or len(way) > ALONE_MOST:
                return False
            way[at] = None
            move = self._move(*at)
            at = (move.world, move.memory)
        self._finishing.update(way)
        return True

    def ending(self, node: Node) -> tuple[Any, set[Any], list[str]]:
        """What is seen in the end, what was allowed, and which claims were left."""
        world = self._worlds[node.world]
        return visible(world, self.scenario.deliveries), self._allowed, list(leftovers(world))

    # --- Steps ------------------------------------------------------------------------------------------------------

    def _steps_of(self, node: Node, place: int, memory: int) -> Iterator[Step]:
        move = self._move(node.world, memory)
        request = self._requests[move.request]
        who = self._name(memory)
        forgotten = self._moved(node, place, self._fresh[self._memories[memory].program])
        has_changed = move.world != node.world
        yield Step(who, request, move.reply, self._moved(node, place, move.memory)._replace(world=move.world))
        if self._killed_anywhere and node.losses:
            yield Step(who, request, "killed before", forgotten._replace(losses=node.losses - 1))
        if has_changed and node.losses:
            yield Step(who, request, "lost", forgotten._replace(world=move.world, losses=node.losses - 1))
        if has_changed and node.in_flight:
            flying = tuple(sorted((*node.flying, move.request)))
            yield Step(who, request, "in flight", forgotten._replace(flying=flying, in_flight=node.in_flight - 1))

    def _moved(self, node: Node, place: int, memory: int) -> Node:
        """Workers of one program are alike, so they stand in order."""
        workers, first = list(node.workers), 0
        workers[place] = memory
        for _, copies in self._tasks:
            workers[first : first + copies] = sorted(workers[first : first + copies])
            first += copies
        return node._replace(workers=tuple(workers))

    def _landings(self, node: Node) -> Iterator[Step]:
        for place, number in enumerate(node.flying):
            request = self._requests[number]
            world, reply = request.apply(self._worlds[node.world])
            rest = node.flying[:place] + node.flying[place + 1 :]
            yield Step("network", request, reply, node._replace(world=self._world(world), flying=rest))

    def _bystanders(self, node: Node) -> Iterator[Step]:
        for number in node.bystanders[:1] if self.scenario.in_order else node.bystanders:
            request: Bystander = self.scenario.bystanders[number]
            world, reply = request.apply(self._worlds[node.world])
            rest = tuple(other for other in node.bystanders if other != number)
            yield Step("bystander", request, reply, node._replace(world=self._world(world), bystanders=rest))

    def _is_calm(self, node: Node) -> bool:
        entities = self._worlds[node.world].entities.values()
        if node.flying or any(isinstance(fields, State) and fields.intent for _, fields in entities):
            return False
        asked = (self._requests[self._move(node.world, memory).request] for memory in node.workers if memory != NOBODY)
        return not any(isinstance(request, Write) for request in asked)

    # --- Numbers ----------------------------------------------------------------------------------------------------

    def _move(self, world: int, memory: int) -> Move:
        if (world, memory) not in self._moves:
            self._moves[world, memory] = self._moved_once(world, memory)
        return self._moves[world, memory]

    def _moved_once(self, world: int, memory: int) -> Move:
        number = self._asked[memory]
        after, reply = self._requests[number].apply(self._worlds[world])
        remembered = self._memories[memory]
        remembered = remembered._replace(replies=(*remembered.replies, reply))
        is_same = after is self._worlds[world]
        return Move(number, reply, world if is_same else self._world(after), self._memory(remembered))

    def _world(self, world: World) -> int:
        key = world.frozen()
        if key not in self._world_numbers:
            self._world_numbers[key] = len(self._worlds)
            self._worlds.append(world)
        return self._world_numbers[key]

    def _memory(self, memory: Memory) -> int:
        """The number of what is remembered, having gone on to the next request."""
        if memory in self._memory_numbers:
            return self._memory_numbers[memory]
        asked = self._ask(memory)
        if asked is Ending.DONE:
            number = NOBODY
        elif asked is Ending.AGAIN:
            number = self._fresh[memory.program]
        elif isinstance(asked, Asks):
            number = len(self._memories)
            self._memories.append(memory)
            self._asked[number] = self._request(asked.request)
        else:
            number = self._memory(Memory(memory.program, asked))
        self._memory_numbers[memory] = number
        return number

    def _ask(self, memory: Memory) -> "Asks | Next":
        program = memory.task.steps(self._without)
        program = _each_apart(program) if self._apart else program
        try:
            request = next(program)
            for reply in memory.replies:
                request = program.send(reply)
        except StopIteration as stop:
            ending: Next = stop.value
            return ending
        return Asks(request)

    def _request(self, request: Request) -> int:
        if request not in self._request_numbers:
            self._request_numbers[request] = len(self._requests)
            self._requests.append(request)
        return self._request_numbers[request]

    def _name(self, memory: int) -> str:
        return f"worker {self._memories[memory].program + 1}"


class Asks(NamedTuple):
    request: Request


def _each_apart(program: Steps[Next]) -> Steps[Next]:
    """The same program, with every entity and every table read by a request of its own."""
    try:
        request = next(program)
        while True:
            reply = (yield from _apart(request)) if isinstance(request, Read | Find) else (yield request)
            request = program.send(reply)
    except StopIteration as stop:
        ending: Next = stop.value
        return ending


def _apart(request: Read | Find) -> Steps[Any]:
    replies: list[Any] = []
    for part in request.apart():
        reply = yield part
        replies += [reply]
    if isinstance(request, Read):
        return tuple(entity for entities in replies for entity in entities)
    rows = {row_id: row for found in replies for row_id, row in found[0]}
    notes = tuple(note for found in replies for note in found[1])
    return tuple(sorted(rows.items())), notes, frozenset().union(*(found[2] for found in replies))


def _way(came_from: dict[Node, tuple[Node, Step] | None], node: Node) -> list[Step]:
    way = []
    while (back := came_from[node]) is not None:
        node, step = back
        way.append(step)
    return way[::-1]
