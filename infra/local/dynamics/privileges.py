"""What privileges are called, their ids, and how far they reach.

https://learn.microsoft.com/power-platform/admin/security-roles-privileges
"""

import uuid
from collections.abc import Iterator
from enum import IntEnum, StrEnum
from typing import Final

from infra.local.dynamics.schema import Schema, Table

_NAMESPACE: Final = uuid.UUID("2f6c3a0e-5d0b-4c5e-9a0e-3d1d8f1c7a11")


class Verb(StrEnum):
    CREATE = "Create"
    READ = "Read"
    WRITE = "Write"
    DELETE = "Delete"
    APPEND = "Append"
    APPEND_TO = "AppendTo"
    ASSIGN = "Assign"
    SHARE = "Share"


class Depth(IntEnum):
    """As `privilegedepthmask` has them; a greater one includes the smaller."""

    BASIC = 1
    LOCAL = 2
    DEEP = 4
    GLOBAL = 8


RIGHTS: Final = {
    Verb.READ: 1,
    Verb.WRITE: 2,
    Verb.APPEND: 4,
    Verb.APPEND_TO: 16,
    Verb.CREATE: 32,
    Verb.DELETE: 65536,
    Verb.SHARE: 262144,
    Verb.ASSIGN: 524288,
}


def privilege_name(verb: Verb, table: Table) -> str:
    return f"prv{verb}{table.privilege}"


def privilege_id(name: str) -> str:
    """The same in every environment, as Microsoft's are."""
    return str(uuid.uuid5(_NAMESPACE, name))


def all_privileges(schema: Schema) -> Iterator[tuple[str, Verb]]:
    names = {privilege_name(verb, table): verb for table in schema.tables.values() for verb in Verb}
    yield from names.items()
