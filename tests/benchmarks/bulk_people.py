"""The work that bulk syncs are compared by: who comes, what stands in Dynamics before, and what must stand there after.

Half of the people are new, a third stand there with another title, the rest just as they come.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Table = Literal["lead", "contact"]
_SHARES: Final = ("new", "differs", "new", "same", "new", "differs")
_COLLEAGUES: Final = 5
_SUBJECT: Final = "Expo 26: Bulk"
_NAMELESS_MAIL: Final = 5  # every so many of those who stand there have no address any more


@dataclass(frozen=True, slots=True)
class Mix:
    name: str
    table: Table
    by: Literal["email", "email_or_name"]

    @property
    def has_accounts(self) -> bool:
        return self.table == "contact"

    def action(self, connection: str) -> dict[str, Any]:
        """The sync action that says so."""
        return {
            "name": self.name,
            "connection": connection,
            "match": {"tables": f"{self.table}s", "by": self.by},
            "create": self.table,
            "account": {"on_missing": "create"} if self.has_accounts else None,
            "note": False,
        }

    @property
    def columns(self) -> list[dict[str, str]]:
        """The mapping of its table."""
        fields = [
            ("FirstName", "firstname"),
            ("LastName", "lastname"),
            ("Email", "emailaddress1"),
            ("Title", "jobtitle"),
        ]
        rows = [{"source": source, "column": column} for source, column in fields]
        own = [{"source": "Company", "column": "companyname"}, {"constant": _SUBJECT, "column": "subject"}]
        return rows if self.has_accounts else rows + own


BY_EMAIL: Final = Mix("leads by e-mail", "lead", "email")
BY_NAME_TOO: Final = Mix("contacts by e-mail or name, with accounts", "contact", "email_or_name")
MIXES: Final = (BY_EMAIL, BY_NAME_TOO)


@dataclass(frozen=True, slots=True)
class Person:
    """`number` counts within the run that `salt` names."""

    salt: str
    number: int
    mix: Mix

    @property
    def share(self) -> str:
        return _SHARES[self.number % len(_SHARES)]

    @property
    def is_new(self) -> bool:
        return self.share == "new"

    @property
    def email(self) -> str:
        """Blank for a few of whom only the name tells who they are."""
        by_name = self.mix.by == "email_or_name" and not self.is_new and self.number // 6 % _NAMELESS_MAIL == 0
        return "" if by_name else f"{self.salt}.{self.number}@bulk.example"

    @property
    def first(self) -> str:
        return f"Ada {self.salt}"

    @property
    def last(self) -> str:
        return f"Lovelace {self.number}"

    @property
    def title(self) -> str:
        return f"Head of engines {self.number}"

    @property
    def company(self) -> str:
        kind = "New" if self.is_new else "Known"
        return f"{kind} Engines {self.salt} {self.number // (6 * _COLLEAGUES)}"

    def capture(self) -> dict[str, Any]:
        fields = {"FirstName": self.first, "LastName": self.last, "Title": self.title, "Company": self.company}
        with_email = fields | ({"Email": self.email} if self.email else {})
        return {
            "event": "captured",
            "form": {"id": 7, "name": "Bulk", "event": "Expo 26"},
            "prospect": {"id": f"{self.salt}-{self.number}", "fields": with_email},
        }

    def body(self) -> bytes:
        return json.dumps(self.capture()).encode()

    def values(self) -> dict[str, Any]:
        """What its row holds at the end, but for the account."""
        own = {"firstname": self.first, "lastname": self.last, "jobtitle": self.title}
        own |= {"emailaddress1": self.email} if self.email else {}
        return own if self.mix.has_accounts else own | {"companyname": self.company, "subject": _SUBJECT}


def people(mix: Mix, count: int, salt: str) -> list[Person]:
    return [Person(salt, number, mix) for number in range(count)]


def accounts_before(everybody: Sequence[Person]) -> list[str]:
    """The companies of all who stand there, and every second one of the others."""
    known = {person.company for person in everybody if not person.is_new}
    others = sorted({person.company for person in everybody if person.is_new})
    return sorted(known) + others[::2]


def rows_before(everybody: Sequence[Person]) -> Iterator[tuple[Person, dict[str, Any]]]:
    for person in everybody:
        if not person.is_new:
            yield person, person.values() | ({"jobtitle": "Engineer"} if person.share == "differs" else {})


def expected(everybody: Sequence[Person]) -> list[str]:
    """Every row as one text, with its account's name."""
    accounts = (person.company if person.mix.has_accounts else "" for person in everybody)
    return sorted(shown(person.values(), account) for person, account in zip(everybody, accounts, strict=True))


def shown(row: dict[str, Any], account: str) -> str:
    names = ("firstname", "lastname", "emailaddress1", "jobtitle", "companyname", "subject")
    return json.dumps([*(row.get(name) for name in names), account])
