"""Which commits go into one transaction: as many as fit, none that touches an entity which another one touches too."""

from collections.abc import Sequence

from core.sync.ports import TRANSACTION_MOST, Change


def packed(commits: Sequence[Sequence[Change]], *, most: int = TRANSACTION_MOST) -> list[list[int]]:
    """The commits by their numbers, in transactions; those over one entity stand in their order."""
    transactions: list[list[int]] = []
    rest = list(range(len(commits)))
    while rest:
        taken, left = list[int](), list[int]()
        touched, passed_over = set[str](), set[str]()
        for number in rest:
            keys = {change.key for change in commits[number]}
            fits = len(touched) + len(keys) <= most and keys.isdisjoint(touched | passed_over)
            if fits or not taken:
                taken.append(number)
                touched |= keys
            else:
                left.append(number)
                passed_over |= keys
        transactions.append(taken)
        rest = left
    return transactions
