"""What a delivery asks for, and what an organisation has been told of one person."""

from typing import NamedTuple


class Action(NamedTuple):
    tables: tuple[str, ...] = ("contact", "lead")  # none: matching is off
    by_name: bool = True
    create: str = "lead"  # "": none
    newest_wins: bool = True  # by the date of the last change
    reactivates: bool = False
    skips_without_key: bool = False
    account: str = ""  # "leave": linked when it is there; "create": created when it is missing
    campaign: str = ""  # as a response
    marketing_list: str = ""

    @property
    def own_tables(self) -> tuple[str, ...]:
        """Where links count: the tables that are searched, then the one that rows are made in."""
        return tuple(dict.fromkeys(filter(None, (*self.tables, self.create))))


class Delivery(NamedTuple):
    id: str
    prospect: str  # the id that Captello gave; "" when the capture came without
    said_at: int
    email: str = ""
    email2: str = ""
    name: str = ""
    title: str = ""  # policy: overwrite
    company: str = ""  # the account's name
    remark: str = ""  # policy: append
    submission: str = ""
    answers: str = ""  # the note's text; "" for no note
    action: Action = Action()

    @property
    def key(self) -> str:
        return f"delivery|{self.id}"


class Said(NamedTuple):
    at: int = 0
    value: str = ""


class Prospect(NamedTuple):
    """Per field the newest value and when it was said; the rows it went to, and what those rows joined."""

    email: Said = Said()
    email2: Said = Said()
    name: Said = Said()
    title: Said = Said()
    company: Said = Said()
    links: tuple[tuple[str, str], ...] = ()  # table, row
    linked_by_name: tuple[str, ...] = ()  # tables
    joined: tuple[tuple[str, str], ...] = ()  # campaign or list, row
    last_said_at: int = 0
    claimed_by: str = ""

    @property
    def emails(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(said.value for said in (self.email, self.email2) if said.value))


SAID = ("email", "email2", "name", "title", "company")


def merged(known: Prospect, delivery: Delivery) -> Prospect:
    """The newest value of each field wins; a blank is no value."""
    fields = {name: Said(delivery.said_at, getattr(delivery, name)) for name in SAID if getattr(delivery, name)}
    newest = {name: max(getattr(known, name), said) for name, said in fields.items()}
    return known._replace(**newest, last_said_at=max(known.last_said_at, delivery.said_at))
