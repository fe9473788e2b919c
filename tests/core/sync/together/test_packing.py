"""Commits are packed into few transactions, each within what a transaction takes."""

from hypothesis import given
from hypothesis import strategies as st

from core.domain.delivery import Claim
from core.sync.ports import ANY, Change
from core.sync.together.packing import packed

_COMMITS = st.lists(st.sets(st.integers(0, 30), min_size=1, max_size=8), max_size=60)


def _changes(keys: set[int]) -> list[Change]:
    return [Change(str(key), Claim(), ANY) for key in sorted(keys)]


@given(commits=_COMMITS, most=st.integers(8, 100))
def test_every_commit_stands_once_in_a_transaction_that_takes_it(commits: list[set[int]], most: int) -> None:
    """No entity twice in one, none larger than allowed, and what touches one entity keeps its order."""
    transactions = packed([_changes(keys) for keys in commits], most=most)
    assert sorted(number for some in transactions for number in some) == list(range(len(commits)))
    place = {number: index for index, some in enumerate(transactions) for number in some}
    for some in transactions:
        assert sum(len(commits[number]) for number in some) <= most
        assert len(set().union(*(commits[number] for number in some))) == sum(len(commits[number]) for number in some)
    for later in range(len(commits)):
        assert all(place[earlier] < place[later] for earlier in range(later) if commits[earlier] & commits[later])


def test_strangers_fill_their_transactions() -> None:
    """Twenty people of five entities each are one transaction; twenty-one are two."""
    people = [_changes(set(range(5 * number, 5 * number + 5))) for number in range(21)]
    assert len(packed(people[:20])) == 1
    assert len(packed(people)) == 2
