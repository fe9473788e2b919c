"""Which commits go into one transaction: as many as fit, none that touches an entity which another one touches too."""

from collections.abc import Sequence

from core.sync.ports import TRANSACTION_MOST, Change

_LOOKED_BACK = 4  # transactions that may still have room; the fuller ones before them are not worth a look


def packed(commits: Sequence[Sequence[Change]], *, most: int = TRANSACTION_MOST) -> list[list[int]]:
    """The commits by their numbers, in transactions; those over one entity stand in their order."""
    transactions: list[list[int]] = []
    room: list[int] = []
    touched_by: dict[str, int] = {}
    for number, changes in enumerate(commits):
        keys = {change.key for change in changes}
        behind = max((touched_by[key] + 1 for key in keys if key in touched_by), default=0)
        start = max(behind, len(transactions) - _LOOKED_BACK)
        place = next((each for each in range(start, len(room)) if room[each] >= len(keys)), len(room))
        if place == len(room):
            transactions.append([])
            room.append(most)
        transactions[place].append(number)
        room[place] -= len(keys)
        touched_by |= dict.fromkeys(keys, place)
    return transactions
