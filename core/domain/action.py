"""A sync action: what to do with a prospect (product.md, section 4).

The whole documented shape is read and stored. `not_carried_out` names the parts that this release stores but does
not carry out yet; parts that would be unsafe to ignore are refused instead.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core.domain.connection import ConfigurationId


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
    by: str = "name"
    on_missing: Literal["create", "leave"] = "create"
    on_many: Literal["leave"] = "leave"


class OwnerRule(_Settings):
    by: Literal["captello_owner", "fixed"] = "captello_owner"
    table: dict[str, str] = {}
    fallback: str | None = None
    when: Literal["create", "always"] = "create"


class CampaignRule(_Settings):
    name: str
    added_as: Literal["source", "response", "list"] = Field(alias="as")


class Criteria(_Settings):
    all: list[dict[str, Any]] = []
    any: list[dict[str, Any]] = []

    @model_validator(mode="after")
    def _is_empty(self) -> Self:
        """Ignoring a filter would sync people whom nobody meant."""
        if self.all or self.any:
            raise ValueError("filters are not carried out yet: leave `all` and `any` empty")
        return self


def _unsigned(value: str) -> str:
    """An action that asks for signatures must not accept unsigned captures."""
    if value == "required":
        raise ValueError("signatures are not checked yet: `optional` is accepted")
    return value


def _inactive_ignored(rule: MatchRule) -> MatchRule:
    if rule.inactive == "reactivate":
        raise ValueError("inactive rows are not reactivated yet: `ignore` is accepted")
    return rule


class SyncActionSettings(_Settings):
    """Everything of an action but its id."""

    name: str = ""
    connection: ConfigurationId
    enabled: bool = True
    match: Annotated[MatchRule, AfterValidator(_inactive_ignored)]
    on_duplicate: OnDuplicate = OnDuplicate.MOST_RECENTLY_UPDATED
    on_match: Literal["update", "none"] = "update"
    create: Literal["lead", "contact", "none"]
    account: AccountRule | None = None
    owner: OwnerRule | None = None
    campaigns: list[CampaignRule] = []
    late: Literal["fill_blanks"] = "fill_blanks"
    note: bool = True
    filter: Criteria = Criteria()
    signature: Annotated[Literal["optional", "required"], AfterValidator(_unsigned)] = "optional"

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

    def not_carried_out(self) -> list[str]:
        """The parts that are stored but not carried out yet."""
        asked = {"account": self.account, "owner": self.owner, "campaigns": self.campaigns, "note": self.note}
        return [name for name, value in asked.items() if value]


class SyncAction(SyncActionSettings):
    id: ConfigurationId
