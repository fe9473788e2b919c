"""Safeguards of the protocol that a host can be started without, to see that what is searched for can be found.

Duty: taking one out of this process, where the app meets its storage. Nothing here is ever called in a process that
tests anything else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any
from unittest import mock

from core.domain.delivery import Claim, Delivery
from core.domain.prospect import Prospect
from core.storage.ledger import TableLedger
from core.sync.ports import ANY, Change, EntityT, Versioned

# The setting that names it.
WITHOUT = "TESTS_WITHOUT_SAFEGUARD"

_commit, _read = TableLedger.commit, TableLedger.read


class Safeguard(StrEnum):
    KEYS = "keys"  # the claim is conditional on the keys' ETags
    PROSPECTS = "prospects"  # and on the prospect's
    CLAIMS = "claims"  # whoever meets a claim carries out its intent first
    INTENTS = "intents"  # a retry carries out the intent instead of deciding anew


def take_out(safeguard: Safeguard) -> None:
    """From this process, for good."""
    name, instead = _INSTEAD[safeguard]
    mock.patch.object(TableLedger, name, instead).start()


def _unconditional(prefix: str) -> Callable[..., Any]:
    async def commit(self: TableLedger, organization: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        kept = [replace(each, etag=ANY) if each.key.startswith(prefix) else each for each in changes]
        return await _commit(self, organization, kept)

    return commit


async def _read_without_claims(
    self: TableLedger, organization: str, key: str, kind: type[EntityT]
) -> Versioned[EntityT] | None:
    found = await _read(self, organization, key, kind)
    return _with(found, claimed_by="") if found and isinstance(found.entity, Claim | Prospect) else found


async def _read_without_intents(
    self: TableLedger, organization: str, key: str, kind: type[EntityT]
) -> Versioned[EntityT] | None:
    """Nor claims: its own would keep a retry from deciding."""
    found = await _read_without_claims(self, organization, key, kind)
    if found is None or not isinstance(found.entity, Delivery) or found.entity.state != "intent":
        return found
    return _with(found, state="received", intent=None)


def _with(found: Versioned[EntityT], **values: Any) -> Versioned[EntityT]:
    return Versioned(found.entity.model_copy(update=values), found.etag)


_INSTEAD: Mapping[Safeguard, tuple[str, Callable[..., Any]]] = {
    Safeguard.KEYS: ("commit", _unconditional("key|")),
    Safeguard.PROSPECTS: ("commit", _unconditional("prospect|")),
    Safeguard.CLAIMS: ("read", _read_without_claims),
    Safeguard.INTENTS: ("read", _read_without_intents),
}
