"""An intent carried out: in one request, or the person first and the rest one by one."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from core.domain.delivery import Extra, Intent, Link, Membership, Outcome, Result, RowWrite
from core.domain.matching import LookUp
from core.domain.prospect import Prospect
from core.domain.references import Found, ReferenceQuery
from core.domain.table import Table, Target
from core.errors import MissingPrivilegeError, RejectedRowError
from core.sync.carrying_out import Done, carry_out, has_landed
from tests.core.sync.worlds import World

OWNER = Target(table="systemuser", set_name="systemusers", navigation="ownerid")
ACCOUNT = Target(table="account", set_name="accounts", navigation="parentaccountid")
REFUSED = RejectedRowError("No.", code="0x80040265")


class PickyCrm:
    """A world in memory that refuses whatever writes something it does not like; it keeps what was asked of it."""

    def __init__(self, *, refuses: Mapping[str, Exception] | None = None) -> None:
        self.world = World()
        self.asked: list[list[str]] = []
        self._refuses = refuses or {}

    async def find(
        self,
        look_ups: Sequence[LookUp],
        columns: Mapping[str, Sequence[str]],
        references: Collection[ReferenceQuery] = (),
    ) -> Found:
        return Found(self.world.find(look_ups))

    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        self.asked.append([_name(write) for write in writes])
        for name in (name for write in writes for name in _names(write)):
            if name in self._refuses:
                raise self._refuses[name]
        return self.world.write(writes)

    async def confirm_organization(self) -> None: ...

    async def table(self, name: str) -> Table:
        raise AssertionError("nothing here asks for tables")


def _name(write: RowWrite | Membership) -> str:
    return "list" if isinstance(write, Membership) else write.table


def _names(write: RowWrite | Membership) -> list[str]:
    return [_name(write), *(write.values if isinstance(write, RowWrite) else ())]


def _lead(etag: str | None = None, **values: Any) -> RowWrite:
    targets = {"ownerid": OWNER, "parentaccountid": ACCOUNT}
    used = {name: target for name, target in targets.items() if name in values}
    return RowWrite(table="lead", row_id="l1", etag=etag, values=values, targets=used)


def _note(text: str = "words") -> Extra:
    values = {"notetext": text, "objectid": "l1"}
    target = Target(table="lead", set_name="leads", navigation="objectid_lead")
    write = RowWrite(table="annotation", row_id="n1", etag=None, values=values, targets={"objectid": target})
    return Extra(mark="note|n1", write=write)


def _intent(person: RowWrite | None, *extras: Extra, account: bool = False) -> Intent:
    company = RowWrite(table="account", row_id="a1", etag=None, values={"name": "Fabrikam"})
    return Intent(
        result=Result(outcome=Outcome.CREATED, table="lead", row_id="l1"),
        account=company if account else None,
        person=person,
        extras=extras,
        keys=(),
        prospect_key="prospect|1",
        prospect=Prospect(),
    )


LISTED = Extra(mark="list|x|l1", write=Membership(list_id="x", table="lead", row_id="l1"))
EVERYTHING = _intent(_lead(lastname="N", ownerid="u1", parentaccountid="a1"), _note(), LISTED, account=True)


async def _carried(crm: PickyCrm, intent: Intent, *, is_open: bool = True) -> Done | None:
    async def still_open() -> bool:
        return is_open

    return await carry_out(crm, intent, still_open)


async def test_everything_goes_in_one_request() -> None:
    """Company before the person, everything else after."""
    crm = PickyCrm()
    assert await _carried(crm, EVERYTHING) == Done(("note|n1", "list|x|l1"))
    assert crm.asked == [["account", "lead", "annotation", "list"]]


class OwnedCrm(PickyCrm):
    """Refuses one owner, and whoever writes a secured column."""

    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:  # type: ignore[explicit-override]
        for write in writes:
            if isinstance(write, RowWrite) and write.values.get("ownerid") == "u1":
                raise RejectedRowError("He may not.", code="0x80040231")
            if isinstance(write, RowWrite) and "cap_secured" in write.values:
                raise RejectedRowError("It is secured.", code="0x8004f502")
        return await super().write(writes)


async def test_the_fallback_owns_what_the_first_owner_may_not() -> None:
    """Before anything is left out; the warning says so."""
    crm = OwnedCrm()
    person = _lead(lastname="N", ownerid="u1", parentaccountid="a1")
    person = person.model_copy(update={"instead": {"ownerid": Link(row_id="u2", target=OWNER)}})
    done = await _carried(crm, _intent(person, account=True))
    assert done is not None
    assert done.warnings == ("Dynamics refused the owner, so the fallback owns the row: He may not.",)
    assert crm.world.rows["lead", "l1"]["_ownerid_value"] == "u2"


async def test_a_secured_column_is_left_out() -> None:
    """And nothing else; the warning names it."""
    crm = OwnedCrm()
    person = _lead(lastname="N", cap_secured="x", parentaccountid="a1").model_copy(update={"secured": ("cap_secured",)})
    done = await _carried(crm, _intent(person, account=True))
    assert done is not None
    assert done.warnings == ("Dynamics refused cap_secured, so the row was written without: It is secured.",)
    assert crm.asked == [["account", "lead"]]


async def test_a_company_whose_table_has_changed_is_not_left_out_at_once() -> None:
    """Its mapping can be read anew first. Where that has been done, the person is written without."""
    changed = RejectedRowError("No such column.", code="0x80048d19", about_mapping=True)
    crm = PickyCrm(refuses={"account": changed})
    with pytest.raises(RejectedRowError):
        await carry_out(crm, EVERYTHING, _always, can_be_refitted=True)
    assert not crm.world.rows
    done = await carry_out(crm, EVERYTHING, _always)
    assert done is not None
    assert ("account" in str(crm.world.rows), "No such column." in done.warnings[0]) == (False, True)


async def _always() -> bool:
    return True


@pytest.mark.parametrize("refusal", [REFUSED, MissingPrivilegeError("No right.", code="0x80040220")], ids=type)
async def test_a_refused_note_is_left_out(refusal: Exception) -> None:
    """The person goes first, then each part by itself; what is refused again is a warning, and gets no mark."""
    crm = PickyCrm(refuses={"annotation": refusal})
    done = await _carried(crm, EVERYTHING)
    assert done is not None
    assert done.marks == ("list|x|l1",)
    assert [warning.startswith("The note was left out") for warning in done.warnings] == [True]
    assert set(crm.world.rows) == {("account", "a1"), ("lead", "l1")}
    assert crm.world.members == {("x", "l1")}


async def test_a_refused_company_costs_nothing_but_the_link() -> None:
    """And no account is left behind that nobody is linked to."""
    crm = PickyCrm(refuses={"account": REFUSED})
    done = await _carried(crm, EVERYTHING)
    assert done is not None
    assert set(crm.world.rows) == {("lead", "l1"), ("annotation", "n1")}
    assert crm.world.rows["lead", "l1"]["lastname"] == "N"


async def test_a_refused_owner_keeps_the_company() -> None:
    """Dynamics says that it is the owner, so nothing else is given up."""
    crm = PickyCrm(refuses={"ownerid": RejectedRowError("No.", code="0x80040231")})
    done = await _carried(crm, EVERYTHING)
    assert done is not None
    assert "refused ownerid," in done.warnings[0]
    assert crm.world.rows["lead", "l1"]["_parentaccountid_value"] == "a1"


async def test_a_refused_person_is_refused_at_once() -> None:
    """Without lookups or extras there is nothing to leave out: one request, and what Dynamics said."""
    crm = PickyCrm(refuses={"lead": REFUSED})
    with pytest.raises(RejectedRowError):
        await _carried(crm, _intent(_lead(lastname="N")))
    assert crm.asked == [["lead"]]
    with pytest.raises(RejectedRowError):
        await _carried(crm, EVERYTHING)
    assert crm.world.rows == {}


async def test_what_has_landed_is_not_written_again() -> None:
    """A reply was lost, or a helper was quicker: each part is found as it was left."""
    crm = PickyCrm()
    await _carried(crm, EVERYTHING)
    before = {key: dict(row) for key, row in crm.world.rows.items()}
    assert await _carried(crm, EVERYTHING) == Done(("note|n1", "list|x|l1"))
    assert crm.world.rows == before


async def test_a_row_that_changed_first_is_decided_anew() -> None:
    """The intent's ETag is old and our values are not there."""
    crm = PickyCrm()
    crm.world.seed("lead", "l1", lastname="Old")
    stale = crm.world.rows["lead", "l1"]["@odata.etag"]
    crm.world.update("lead", "l1", {"lastname": "Somebody"})
    assert await _carried(crm, _intent(_lead(stale, lastname="N"), _note())) is None
    assert crm.world.rows["lead", "l1"]["lastname"] == "Somebody"
    assert ("annotation", "n1") not in crm.world.rows


async def test_the_note_is_evidence_when_the_column_was_changed_since() -> None:
    """A plug-in rewrote the telephone number after our write: the note that went with it says that it landed."""
    crm = PickyCrm()
    crm.world.seed("lead", "l1", telephone1="1")
    intent = _intent(_lead(crm.world.rows["lead", "l1"]["@odata.etag"], telephone1="030 1"), _note())
    await _carried(crm, intent)
    crm.world.update("lead", "l1", {"telephone1": "+49 30 1"})
    assert await _carried(crm, intent) == Done(("note|n1",))
    assert crm.world.rows["lead", "l1"]["telephone1"] == "+49 30 1"


async def test_a_note_that_is_there_does_not_pass_for_the_person() -> None:
    """'Exists' names no part: the lead is still to be made, if the intent is still open."""
    crm = PickyCrm()
    crm.world.seed("annotation", "n1", notetext="an earlier one", _objectid_value="l1")
    intent = _intent(_lead(lastname="N"), _note())
    assert await _carried(crm, intent, is_open=False) is None
    assert ("lead", "l1") not in crm.world.rows
    assert await _carried(crm, intent) == Done(("note|n1",))
    assert ("lead", "l1") in crm.world.rows


async def test_extras_alone_need_no_row() -> None:
    """The person's row holds everything already."""
    crm = PickyCrm()
    assert await _carried(crm, _intent(None, _note(), LISTED)) == Done(("note|n1", "list|x|l1"))
    assert await _carried(crm, _intent(None, _note(), LISTED)) == Done(("note|n1", "list|x|l1"))
    assert list(crm.world.rows) == [("annotation", "n1")]


async def test_only_a_new_row_tells_by_being_there_that_it_landed() -> None:
    """Asked when Dynamics refuses the mapping: the first request may have come through before."""
    crm = PickyCrm()
    intent = _intent(_lead(lastname="N"))
    assert not await has_landed(crm, intent)
    await _carried(crm, intent)
    assert await has_landed(crm, intent)
    assert not await has_landed(crm, _intent(_lead('W/"1"', lastname="N")))


async def test_a_lookup_that_may_not_be_set_costs_no_other() -> None:
    """Dynamics does not say for which a privilege is lacking, so each is left out alone before all of them are."""
    for column, kept in (("ownerid", "_parentaccountid_value"), ("parentaccountid", "_ownerid_value")):
        crm = PickyCrm(refuses={column: MissingPrivilegeError("No right.", code="0x80040220")})
        done = await _carried(crm, EVERYTHING)
        assert done is not None
        assert done.warnings == (f"Dynamics refused {column}, so the row was written without: No right.",)
        assert crm.world.rows["lead", "l1"][kept]
        assert (("account", "a1") in crm.world.rows) == (column == "ownerid")
