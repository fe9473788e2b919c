"""Random stories: names, addresses, prospects and moments are few, so that they collide all the time."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from core.domain.action import SyncAction
from core.domain.mapping import MappingRow
from tests.builders import NOON
from tests.core.sync.reference_columns import EMAILS, Key
from tests.core.sync.storytelling import EXPO, FANS, TEXTS, ByHand, Edited, Mappings, Repeated, Said, Story

ADDRESSES = st.sampled_from([*"aaabbcde", " A", "B"]).map(lambda letter: f"{letter}@X.example ")
NOTHING = st.sampled_from(["", "  ", None, "Scanned", " anonymous", "{{Email}}", "[Email]", "%Email%"])
SAID_ADDRESSES = ADDRESSES | ADDRESSES | ADDRESSES | ADDRESSES | NOTHING | st.sampled_from(["no address", ""])
FIRST = st.sampled_from(["Ann", "Ann", "Ann", "ANN ", "Ann Bo", "Bob", "", "Scanned"])
LAST = st.sampled_from(["Lee", "Lee", "Lee", " lee", "Ray", None, "[LastName]"])
WORDS = st.sampled_from(["r1", "r2", "r3", "r1", "r2", "", " ", None, 0, False, ["A", "B"], "Scanned", "{{Title}}"])
ROW_IDS = ["r1", "r2", "r3"]


def row_of(
    table: str,
    *,
    statecode: int = 0,
    survivor: str | None = None,
    contact: str | None = None,
    created: int = 1,
    modified: int = 1,
    **columns: Any,
) -> dict[str, Any]:
    """A row as it stands before the story."""
    states = {"statecode": statecode, "merged": survivor is not None, "_masterid_value": survivor}
    qualified = {"_parentcontactid_value": contact} if table == "lead" else {}
    dates = {"createdon": f"2026-01-0{created}T08:00:00Z", "modifiedon": f"2026-02-0{modified}T08:00:00Z"}
    return {**states, **qualified, **dates, **columns}


@st.composite
def seeded(draw: st.DrawFn) -> dict[Key, dict[str, Any]]:
    """A few rows of both tables, in any state, some of them leading to others."""
    every = st.tuples(st.sampled_from(["lead", "contact"]), st.sampled_from(ROW_IDS))
    keys = draw(st.lists(every, unique=True, min_size=2))
    return {key: draw(_row(key[0])) for key in keys}


def _row(table: str) -> st.SearchStrategy[dict[str, Any]]:
    open_mostly = st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2] if table == "lead" else [0, 0, 0, 0, 0, 1])
    held = st.sampled_from(["a@x.example", "b@x.example", "C@X.example", "y@x.example", "z@x.example", ""])
    return st.builds(
        row_of,
        st.just(table),
        statecode=open_mostly,
        survivor=st.sampled_from([*[None] * 20, *ROW_IDS]),
        contact=st.sampled_from([None, *ROW_IDS]),
        created=st.integers(1, 3),
        modified=st.integers(1, 3),
        firstname=st.sampled_from(["Ann", "Ann", "ann", "Ann Bo", "Bob", None]),
        lastname=st.sampled_from(["Lee", "Lee", "LEE ", "Ray", ""]),
        jobtitle=st.sampled_from([None, "", "old", "r1"]),
        description=st.sampled_from([None, "old", "r1\nr2"]),
        emailaddress1=held,
        emailaddress2=st.none() | held,
        emailaddress3=st.none() | held,
    )


POLICIES = st.sampled_from(["overwrite", "fill_if_empty", "append", "create_only", "clear_if_blank", "clear_if_blank"])
EMAIL_POLICIES = st.sampled_from(["overwrite", "overwrite", "fill_if_empty", "create_only", "clear_if_blank"])


@st.composite
def mapping_rows(draw: st.DrawFn) -> tuple[MappingRow, ...]:
    """Each column once: names as a rule plainly, e-mail columns and texts in any way, in any order."""
    shortened = draw(st.sampled_from([{}, {}, {"transform": "first_word"}]))
    rows = [{"column": "firstname", "source": "FirstName", **shortened}, {"column": "lastname", "source": "LastName"}]
    rows += draw(st.lists(_text_row(), unique_by=_column, min_size=1, max_size=3))
    rows += draw(st.lists(_email_row(), unique_by=_column, min_size=1, max_size=3))
    return tuple(MappingRow.model_validate(row) for row in draw(st.permutations(rows)))


def _column(row: dict[str, Any]) -> str:
    return str(row["column"])


def _text_row() -> st.SearchStrategy[dict[str, Any]]:
    columns = {"column": st.sampled_from(TEXTS[2:]), "policy": POLICIES}
    defaults = {"default": st.sampled_from([None, None, None, "usual", 0])}
    sources = {"source": st.sampled_from(["Title", "Title", "Remark", "q.7", "{FirstName} {Title}", "{Title} {Nick}"])}
    said = st.fixed_dictionaries({**columns, **sources, **defaults})
    return said | said | st.fixed_dictionaries({**columns, "constant": st.sampled_from(["Expo", 0])})


def _email_row() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "column": st.sampled_from(EMAILS),
            "source": st.sampled_from(["Email", "Email", "Email", "Email2", "q.7"]),
            "policy": EMAIL_POLICIES,
            "default": st.sampled_from([None, None, None, "info@x.example", "a@x.example"]),
        }
    )


COMPANIES = st.sampled_from(["Acme", "Acme", " ACME", "Globex", "Globex", "", "Scanned"])
CAMPAIGNS = st.sampled_from(
    [
        {"name": EXPO, "as": "response"},
        {"name": EXPO, "as": "source"},
        {"name": FANS, "as": "list"},
        {"name": "Nobody knows it", "as": "response"},
    ]
)


@st.composite
def actions(draw: st.DrawFn) -> SyncAction:
    both = ["contacts_then_leads", "leads_then_contacts"]
    tables = draw(st.sampled_from([*both, *both, "leads", "leads", "contacts", "contacts", "off"]))
    rule = {
        "tables": tables,
        "by": draw(st.sampled_from(["email", "email_or_name", "email_or_name"])),
        "without_key": draw(st.sampled_from(["create", "skip"])),
        "inactive": draw(st.sampled_from(["ignore", "ignore", "reactivate"])),
    }
    dates = ["most_recently_updated", "most_recently_created", "least_recently_updated", "least_recently_created"]
    creates = ["lead", "lead", "contact", "contact", "lead" if tables == "off" else "none"]
    return SyncAction.model_validate(
        {
            "id": draw(st.uuids()).hex,
            "connection": "contoso",
            "match": rule,
            "on_duplicate": draw(st.sampled_from(dates)),
            "note": draw(st.booleans()),
            "account": draw(
                st.sampled_from([None, {"on_missing": "create"}, {"on_missing": "create"}, {"on_missing": "leave"}])
            ),
            "campaigns": draw(st.lists(CAMPAIGNS, max_size=4)),
            "on_match": draw(st.sampled_from(["update", "update", "update", "none"])),
            "create": draw(st.sampled_from(creates)),
            "filter": draw(st.sampled_from([{}] * 5 + [{"all": [{"field": "Company", "contains": "acme"}]}])),
            "enabled": draw(st.sampled_from([True] * 19 + [False])),
        }
    )


def moment(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def _submission(number: int, *, names: str, **more: Any) -> dict[str, Any]:
    """One hold request belongs to one submission; a delivery may name either."""
    ids = {"activity_id": number if "a" in names else None, "hold_request_id": number + 50 if "h" in names else None}
    return ids | more


_USUAL = [_submission(number, names=names) for number in (1, 2) for names in ("a", "a", "a", "")]
_HELD = [_submission(number, names=names) for number in (1, 2) for names in ("h", "ah")]
_UNREAD = [_submission(number, names=names, type="transcription") for number in (1, 2) for names in ("a", "")]
SUBMISSIONS = st.sampled_from([*_USUAL * 4, *_HELD, *_UNREAD])
CAPTURES = st.fixed_dictionaries(
    {
        "event": st.sampled_from([*["captured"] * 12, "updated", "released", "released", "withdrawn"]),
        "occurred_at": st.sampled_from([*map(moment, (0, 1, 2, 3, 4, 999)), None]),
        "submission": SUBMISSIONS,
        "prospect": st.fixed_dictionaries(
            {
                "id": st.sampled_from([1, 1, 1, 2, 2, 3, None]),
                "fields": st.fixed_dictionaries(
                    {"Email": SAID_ADDRESSES, "FirstName": FIRST, "LastName": LAST, "Company": COMPANIES},
                    optional={
                        "Email2": SAID_ADDRESSES,
                        "Mailbox": SAID_ADDRESSES,
                        **dict.fromkeys(("Title", "Nick", "Remark"), WORDS),
                    },
                ),
            }
        ),
        "answers": st.lists(
            st.fixed_dictionaries({"id": st.sampled_from([7, 8]), "value": SAID_ADDRESSES | WORDS}),
            max_size=2,
            unique_by=lambda answer: str(answer["id"]),
        ),
    }
)
OTHER_PEOPLES = st.sampled_from(["x@x.example", "y@x.example", "z@x.example", None])
EDITS = st.fixed_dictionaries({"emailaddress1": OTHER_PEOPLES, "jobtitle": st.sampled_from(["edited", "r1", None])})
BY_HAND = (
    EDITS
    | EDITS
    | EDITS
    | st.none()
    | st.fixed_dictionaries({"statecode": st.sampled_from([0, 1, 2])})
    | st.fixed_dictionaries({"merged": st.just(True), "_masterid_value": st.sampled_from(ROW_IDS)})
    | st.fixed_dictionaries({"statecode": st.just(1), "_parentcontactid_value": st.sampled_from(ROW_IDS)})
)
SAID = st.builds(Said, st.integers(0, 1), CAPTURES)
CHANGED = st.builds(ByHand, st.integers(0, 5), BY_HAND)
AGAIN = st.builds(Repeated, st.integers(0, 5))
EDITED = st.builds(
    Edited,
    st.integers(0, 5),
    st.sampled_from([*map(moment, (0, 1, 2, 3, 4, 999)), None]),
    st.fixed_dictionaries({}, optional={"id": st.sampled_from(["1", None])}),
    st.fixed_dictionaries({}, optional={"Email": SAID_ADDRESSES, "Title": WORDS}),
)
STEPS = st.sampled_from([SAID] * 6 + [EDITED] * 2 + [CHANGED] * 2 + [AGAIN]).flatmap(lambda kind: kind)


# A company has an address of its own, which is nobody's.
ACCOUNTS_ROWS = tuple(
    MappingRow.model_validate(row)
    for row in ({"column": "name", "source": "Company"}, {"column": "emailaddress1", "source": "Mailbox"})
)


@st.composite
def mappings(draw: st.DrawFn) -> Mappings:
    """For both tables, and often for companies; now and then contacts have none."""
    has_none = draw(st.integers(0, 30)) == 30
    account = draw(st.sampled_from([{}, {"account": ACCOUNTS_ROWS}]))
    return {"lead": draw(mapping_rows())} | ({} if has_none else {"contact": draw(mapping_rows())}) | account


STORIES = st.builds(
    Story,
    steps=st.lists(STEPS, min_size=3, max_size=9).map(tuple),
    rows=seeded(),
    mappings=mappings(),
    actions=st.lists(actions(), min_size=1, max_size=2, unique_by=lambda action: action.id).map(tuple),
    accounts=st.lists(st.sampled_from(["Acme", "Globex", "globex "]), max_size=2).map(tuple),
)
