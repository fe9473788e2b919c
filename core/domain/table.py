"""What a Dataverse table looks like: the facts about columns that mapping needs, as live metadata tells them."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

SET_NAMES: Mapping[str, str] = {
    "lead": "leads",
    "contact": "contacts",
    "account": "accounts",
    "annotation": "annotations",
    "campaignresponse": "campaignresponses",
}
PEOPLE = ("lead", "contact")
EMAIL_COLUMNS = ("emailaddress1", "emailaddress2", "emailaddress3")

TEXT_TYPES = ("String", "Memo")
LOOKUP_TYPES = ("Lookup", "Customer", "Owner")


def id_column(table: str) -> str:
    return "activityid" if table == "campaignresponse" else f"{table}id"


class Choice(BaseModel):
    """One option of a choice column, with its labels in every installed language."""

    model_config = ConfigDict(frozen=True)

    value: int
    labels: tuple[str, ...] = ()


class Target(BaseModel):
    """A table that a lookup column may lead to, and how the lookup is written for it."""

    model_config = ConfigDict(frozen=True)

    table: str
    set_name: str
    navigation: str  # the single-valued navigation property that a bind names
    name_column: str = ""  # the column that names its rows


class Column(BaseModel):
    """The facts that mappings keep; those of one type only are left at their defaults by every other."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: str  # Dataverse's AttributeType: String, Memo, Picklist, …; for what that calls Virtual, the type's name
    label: str = ""
    required: bool = False
    creatable: bool = True
    updatable: bool = True
    secured: bool = False  # only who has a column security profile for it may write it
    format: str = ""  # of a text: Email, Phone, Url, …
    max_length: int | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    precision: int | None = None  # digits after the point
    date_behavior: str = ""  # UserLocal, DateOnly or TimeZoneIndependent
    choices: tuple[Choice, ...] = ()  # of a yes/no column too: 1 and 0; of a state reason, those of new rows
    targets: tuple[Target, ...] = ()  # of a lookup: the tables it may lead to


class Table(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    columns: dict[str, Column]
