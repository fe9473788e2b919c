"""How many writes become few requests. No I/O.

Rows of one table that are to be created, each by itself, go in one CreateMultiple, which makes all of them or none.
What it cannot take, or has refused, goes in a batch whose parts stand for themselves: there each is made on its own
condition and told its own error.
https://learn.microsoft.com/power-apps/developer/data-platform/bulk-operations
https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from core.dataverse.protocol import Request, create_multiple
from core.domain.delivery import Membership, RowWrite

Piece = Sequence[RowWrite | Membership]

CREATED_AT_ONCE_MOST = 500  # Microsoft suggests 100 to 1,000
_ALONE = 2  # fewer rows than this gain nothing by a bulk message
_OPERATIONS_MOST = 900  # a batch takes 1,000
_TABLES = {"lead", "contact"}


def creations(pieces: Sequence[Piece]) -> Iterator[tuple[list[int], Request]]:
    """The numbers of the pieces that a message creates, and the message."""
    by_table: dict[str, list[int]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        if row := _new_row(piece):
            by_table[row.table].append(number)
    for table, numbers in by_table.items():
        for start in range(0, len(numbers), CREATED_AT_ONCE_MOST):
            some = numbers[start : start + CREATED_AT_ONCE_MOST]
            if len(some) >= _ALONE:
                yield some, create_multiple(table, [row for number in some if (row := _new_row(pieces[number]))])


def _new_row(piece: Piece) -> RowWrite | None:
    match piece:
        case [RowWrite() as row] if row.creates and row.table in _TABLES:
            return row
        case _:
            return None


def batches(pieces: Sequence[Piece], numbers: Sequence[int]) -> Iterator[list[int]]:
    """Those of the pieces that go into one batch."""
    some: list[int] = []
    operations = 0
    for number in numbers:
        if some and operations + len(pieces[number]) > _OPERATIONS_MOST:
            yield some
            some, operations = [], 0
        some.append(number)
        operations += len(pieces[number])
    if some:
        yield some
