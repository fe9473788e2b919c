"""A sync action: what to do with a prospect (product.md, section 4)."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core.domain.connection import ConfigurationId
from core.domain.criteria import Criteria, for_captures


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MatchTables(StrEnum):
    LEADS = "leads"
    CONTACTS = "contacts"
    CONTACTS_THEN_LEADS = "contacts_then_leads"
    LEADS_THEN_CONTACTS = "leads_then_contacts"
    OFF = "off"

    @property
    def in_order(self) -> tuple[str, ...]:
        """The tables to search, by logical name."""
        return () if self is MatchTables.OFF else tuple(name.removesuffix("s") for name in self.value.split("_then_"))


class OnDuplicate(StrEnum):
    MOST_RECENTLY_CREATED = "most_recently_created"
    MOST_RECENTLY_UPDATED = "most_recently_updated"
    LEAST_RECENTLY_CREATED = "least_recently_created"
    LEAST_RECENTLY_UPDATED = "least_recently_updated"

    @property
    def column(self) -> str:
        return "createdon" if self.value.endswith("created") else "modifiedon"

    @property
    def newest_wins(self) -> bool:
        return self.value.startswith("most")


class MatchRule(_Settings):
    tables: MatchTables
    by: Literal["email", "email_or_name"] = "email"
    inactive: Literal["ignore", "reactivate"] = "ignore"
    without_key: Literal["create", "skip"] = "create"


class AccountRule(_Settings):
    """How the company becomes an account: found by a column of the account mapping, linked, or created."""

    by: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,127}$")] = "name"
    on_missing: Literal["create", "leave"] = "create"
    on_many: Literal["leave"] = "leave"


class OwnerRule(_Settings):
    """Who owns the row: Captello's owner, who captured the person, or always the same; else the fallback."""

    by: Literal["captello_owner", "captured_by", "fixed"] = "captello_owner"
    table: dict[str, str] = {}  # what Captello says → a user's address or name, or a team's name
    fallback: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    when: Literal["create", "always"] = "create"

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if self.by == "fixed" and not self.fallback:
            raise ValueError("with `by: fixed`, `fallback` names the owner: give a user's address or a team's name")
        return self


def _says_something(text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise ValueError("give a name; blanks alone name nothing")
    return text


class CampaignRule(_Settings):
    """A campaign or marketing list, by its name or id, and what the person becomes there."""

    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_says_something)]
    added_as: Literal["source", "response", "list"] = Field(alias="as")


class SyncActionSettings(_Settings):
    """Everything of an action but its id."""

    name: str = ""
    connection: ConfigurationId
    enabled: bool = True
    match: MatchRule
    on_duplicate: OnDuplicate = OnDuplicate.MOST_RECENTLY_UPDATED
    on_match: Literal["update", "none"] = "update"
    create: Literal["lead", "contact", "none"]
    account: AccountRule | None = None
    owner: OwnerRule | None = None
    campaigns: list[CampaignRule] = []
    late: Literal["fill_blanks"] = "fill_blanks"
    note: bool = True
    filter: Annotated[Criteria, AfterValidator(for_captures)] = Criteria()
    signature: Literal["optional", "required"] = "optional"

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.match.tables is MatchTables.OFF and self.create == "none":
            raise ValueError("with match.tables `off` and create `none` nothing would ever happen; change one of them")
        return self

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table this action may write, so needs a mapping for; searched ones first."""
        created = () if self.create == "none" else (self.create,)
        return tuple(dict.fromkeys((*self.match.tables.in_order, *created)))

    @property
    def matches_by_name(self) -> bool:
        return self.match.by == "email_or_name"


class SyncAction(SyncActionSettings):
    id: ConfigurationId
