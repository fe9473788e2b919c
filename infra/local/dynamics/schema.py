"""What tables look like: columns, options, keys, and the navigation between tables.

Duty: the values and their look-up by logical name, set name and navigation name. Where they come from is
`metadata_files`; how an environment changes them is `customizing`; how they are shown is `definitions`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

TEXT_KINDS = frozenset({"String", "Memo", "EntityName", "MultiSelectPicklist"})
LOOKUP_KINDS = frozenset({"Lookup", "Customer", "Owner"})
WHOLE_KINDS = frozenset({"Integer", "BigInt", "Picklist", "State", "Status"})
FRACTION_KINDS = frozenset({"Decimal", "Double", "Money"})
CHOICE_KINDS = frozenset({"Picklist", "State", "Status", "Boolean", "MultiSelectPicklist"})
UNSTORED_KINDS = frozenset({"PartyList"})


@dataclass(frozen=True, slots=True)
class Option:
    value: int
    labels: Mapping[int, str]
    """Language code to text."""
    state: int | None = None
    default_status: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    schema_name: str
    kind: str
    labels: Mapping[int, str] = field(default_factory=dict)
    required: str = "None"
    creatable: bool = True
    updatable: bool = True
    readable: bool = True
    format: str | None = None
    behavior: str | None = None
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    precision: int | None = None
    targets: tuple[str, ...] = ()
    binds: Mapping[str, str] = field(default_factory=dict)
    """Target table to the navigation property that binds to it."""
    options: tuple[Option, ...] = ()
    default: object = None
    custom: bool = False

    @property
    def is_lookup(self) -> bool:
        return self.kind in LOOKUP_KINDS

    @property
    def is_stored(self) -> bool:
        return self.kind not in UNSTORED_KINDS

    @property
    def read_name(self) -> str:
        """The property's name in answers and filters."""
        return f"_{self.name}_value" if self.is_lookup else self.name

    @property
    def type_name(self) -> str | None:
        """Where the database keeps which table a lookup of several tables points at."""
        return f"{self.name}__type" if self.is_lookup and len(self.targets) != 1 else None

    @property
    def is_date_only(self) -> bool:
        return self.kind == "DateTime" and self.behavior == "DateOnly"


@dataclass(frozen=True, slots=True)
class Key:
    """An alternate key."""

    name: str
    label: str
    columns: tuple[str, ...]
    status: str = "Active"


@dataclass(frozen=True, slots=True)
class Single:
    """A single-valued navigation property: a lookup, seen as the row it points at."""

    name: str
    relationship: str
    column: str
    target: str


@dataclass(frozen=True, slots=True)
class Children:
    """A collection-valued navigation property of a one-to-many relationship."""

    name: str
    child: str
    column: str


@dataclass(frozen=True, slots=True)
class Association:
    """A collection-valued navigation property of a many-to-many relationship, seen from one side."""

    name: str
    intersect: str
    near: str
    """The intersect's column that holds this side's id."""
    far: str
    target: str


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    schema_name: str
    set_name: str
    id: str
    primary_name: str | None
    ownership: str
    code: int
    labels: Mapping[int, str]
    columns: Mapping[str, Column]
    singles: Mapping[str, Single] = field(default_factory=dict)
    keys: tuple[Key, ...] = ()
    bulk: frozenset[str] = frozenset()
    privilege: str = ""
    """What a privilege is named after: `prvCreate` + this."""
    is_activity: bool = False
    has_concurrency: bool = True
    has_change_tracking: bool = True
    readable_names: Mapping[str, Column] = field(default_factory=dict)
    """Property names in answers and filters."""

    @property
    def is_owned(self) -> bool:
        return "ownerid" in self.columns

    def lookup(self, name: str) -> Column | None:
        column = self.columns.get(name)
        return column if column and column.is_lookup else None


class Schema:
    """Every table of one environment. Tables are values; a change replaces one."""

    def __init__(self, tables: Iterable[Table], associations: Sequence[tuple[str, Association]]) -> None:
        self.tables: dict[str, Table] = {}
        self.sets: dict[str, Table] = {}
        self._associations = associations
        self._collections: dict[str, dict[str, Children | Association]] = {}
        self.revision = 0
        for table in tables:
            self.put(table)

    def put(self, table: Table) -> None:
        self.tables[table.name] = table
        self.sets[table.set_name] = table
        self._collections.clear()
        self.revision += 1

    def find(self, name: str) -> Table | None:
        """By logical name or set name."""
        return self.tables.get(name) or self.sets.get(name)

    def collections(self, table: str) -> Mapping[str, Children | Association]:
        if not self._collections:
            self._collections = self._index_collections()
        return self._collections[table]

    def _index_collections(self) -> dict[str, dict[str, Children | Association]]:
        index: dict[str, dict[str, Children | Association]] = {name: {} for name in self.tables}
        for child in self.tables.values():
            for single in child.singles.values():
                if single.target in index:
                    index[single.target][single.relationship] = Children(single.relationship, child.name, single.column)
        for table, association in self._associations:
            index[table][association.name] = association
        return index
