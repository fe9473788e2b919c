"""One delivery's turn: read its keys, search, claim, write, finish (the steps of once/protocol.md).

No locks and no leases: whoever meets a claim carries out the claimant's intent first, and every write is conditional,
so any number of workers may run one delivery at once. Decides nothing itself: `domain.decision` does. Failures of the
outside world pass through; what has been done by then stays safe to do again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from core.domain.decision import Subject, decide, linked, settled_without_search, subject_key, subject_of
from core.domain.delivery import Claim, Delivery, ErrorClass, Intent, Outcome, Result, delivery_key, row_claim_key
from core.domain.matching import LookUp, columns_to_read, redirects_to_read
from core.domain.prospect import Prospect
from core.domain.row import Row, RowKey
from core.errors import MisconfiguredConnectionError, RejectedRowError, RetryableError
from core.sync.ports import (
    ABSENT,
    ANY,
    Change,
    Configuration,
    ConnectionSetup,
    Crm,
    Crms,
    Ledger,
    Versioned,
    WriteAnswer,
)

ROUNDS_MOST = 60
WRITE_SECONDS = 0.25  # about as long as a write takes; a claimant gets this long before he is helped

Keys = dict[str, Versioned[Claim] | None]


class Turns:
    """Runs deliveries to their end."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        configuration: Configuration,
        crms: Crms,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._configuration = configuration
        self._crms = crms
        self._now = now
        self._new_id = new_id
        self._sleep = sleep

    async def complete(self, found: Versioned[Delivery]) -> Delivery:
        """The delivery when it is done. Raises what Dynamics or storage raise; calling again goes on from there."""
        for round_number in range(ROUNDS_MOST):
            delivery = found.entity
            if delivery.state == "done":
                return delivery
            advanced = await (self._carry_out(found) if delivery.state == "intent" else self._take(found))
            if advanced is None:
                await self._sleep(random.uniform(0, 0.02 * (round_number + 1)))  # noqa: S311  # spreads contenders
                advanced = await self._read(delivery.organization, delivery.id)
            found = advanced
        raise RetryableError("Too many deliveries about the same person at once; this one goes on later.")

    async def preview(self, delivery: Delivery) -> Intent | Result:
        """What the turn would do now. Writes nothing."""
        setup, subject, _ = await self._subject(delivery)
        if settled := settled_without_search(subject):
            return settled
        crm = await self._crms.crm(setup.connection)
        return decide(subject, await _search(crm, subject), new_id=self._new_id())

    async def _read(self, organization: str, delivery_id: str) -> Versioned[Delivery]:
        found = await self._ledger.read(organization, delivery_key(delivery_id), Delivery)
        if found is None:
            raise RetryableError("The delivery is not in the store.", detail=f"{organization} {delivery_id}")
        return found

    # --- Before the claim -------------------------------------------------------------------------------------------

    async def _take(self, found: Versioned[Delivery]) -> Versioned[Delivery] | None:
        """From `received` to an intent, or to the end when nothing is to be written. None: start again."""
        delivery = found.entity
        setup, subject, (prospect_etag, keys) = await self._subject(delivery)
        if result := settled_without_search(subject):
            return await self._commit(delivery.organization, _done(found, result, self._now()))
        if claimant := _claimant(subject.known, keys):
            await self._help(delivery.organization, claimant)
            return None
        crm = await self._crms.crm(setup.connection)
        try:
            decision = decide(subject, await _search(crm, subject), new_id=self._new_id())
        except RejectedRowError as refused:
            decision = _refused(Result(outcome=Outcome.FAILED), refused)
        holder = delivery.id if isinstance(decision, Intent) else ""
        conditions = [
            Change(key, Claim(claimed_by=holder), claim.etag if claim else ABSENT) for key, claim in keys.items()
        ]
        if isinstance(decision, Intent):
            return await self._claim(found, subject, decision, prospect_etag, conditions)
        person = Change(subject.prospect_key, linked(subject.person, decision), prospect_etag)
        return await self._commit(delivery.organization, _done(found, decision, self._now()), person, *conditions)

    async def _subject(self, delivery: Delivery) -> tuple[ConnectionSetup, Subject, tuple[str, Keys]]:
        """Everything that is known before Dynamics is asked: prospect and keys are read before any search."""
        action = await self._configuration.action(delivery.action)
        setup = await self._configuration.setup(delivery.connection)
        if action is None or setup is None:
            missing = f"action {delivery.action}" if action is None else f"connection {delivery.connection}"
            raise MisconfiguredConnectionError(f"The {missing} is not configured any more.", code="not_configured")
        guess = subject_of(delivery, action, setup.mappings, Prospect())
        read, keys = await asyncio.gather(
            self._ledger.read(delivery.organization, subject_key(delivery, action), Prospect),
            self._read_keys(delivery.organization, guess.claim_keys),
        )
        subject = subject_of(delivery, action, setup.mappings, read.entity if read else Prospect())
        missing_keys = tuple(key for key in subject.claim_keys if key not in keys)
        keys |= await self._read_keys(delivery.organization, missing_keys)
        wanted = {key: keys[key] for key in subject.claim_keys}
        return setup, subject, (read.etag if read else ABSENT, wanted)

    async def _read_keys(self, organization: str, keys: tuple[str, ...]) -> Keys:
        read = await asyncio.gather(*(self._ledger.read(organization, key, Claim) for key in keys))
        return dict(zip(keys, read, strict=True))

    async def _claim(
        self, found: Versioned[Delivery], subject: Subject, intent: Intent, prospect_etag: str, keys: list[Change]
    ) -> Versioned[Delivery] | None:
        """Saves the intent and claims keys and row, provided that none has changed since it was read."""
        delivery = found.entity
        claimed = subject.known.model_copy(update={"claimed_by": delivery.id})
        row_key = row_claim_key(intent.table, intent.row_id)
        row_claim = [] if intent.creates else [Change(row_key, Claim(claimed_by=delivery.id), ABSENT)]
        after = await self._commit(
            delivery.organization,
            _with_state(found, "intent", intent=intent),
            Change(subject.prospect_key, claimed, prospect_etag),
            *keys,
            *row_claim,
        )
        if after is None and row_claim:
            holder = await self._ledger.read(delivery.organization, row_key, Claim)
            if holder and holder.entity.claimed_by != delivery.id:
                await self._help(delivery.organization, holder.entity.claimed_by)
        return after

    async def _help(self, organization: str, claimant: str) -> None:
        """Carries out the intent of whoever holds a claim, unless he does so himself in the meantime."""
        before = await self._read(organization, claimant)
        if before.entity.state != "intent":
            return
        await self._sleep(WRITE_SECONDS)
        after = await self._read(organization, claimant)
        if after.etag != before.etag:
            return
        try:
            await self._carry_out(after)
        except MisconfiguredConnectionError as error:
            raise RetryableError(
                "Another delivery about the same person has to be finished first, and its connection is paused.",
                detail=f"{claimant}: {error.message}",
            ) from error

    # --- After the claim --------------------------------------------------------------------------------------------

    async def _carry_out(self, found: Versioned[Delivery]) -> Versioned[Delivery] | None:
        """Writes what the intent says, then finishes. None: somebody else did, or it has to be decided anew."""
        delivery, intent = found.entity, found.entity.intent
        assert intent is not None
        setup = await self._configuration.setup(delivery.connection)
        if setup is None:
            raise MisconfiguredConnectionError("The connection is not configured any more.", code="not_configured")
        crm = await self._crms.crm(setup.connection)
        result, person = intent.result, intent.prospect
        try:
            if not await _write(crm, intent):
                return await self._decide_anew(found, intent)
        except RejectedRowError as refused:
            result, person = _refused(intent.result, refused), _without_new_row(intent)
        return await self._commit(
            delivery.organization,
            _done(found, result, self._now()),
            Change(intent.prospect_key, person, ANY),
            *_released(intent),
        )

    async def _decide_anew(self, found: Versioned[Delivery], intent: Intent) -> Versioned[Delivery] | None:
        """The row changed before we could write, and with the intent's ETag nobody ever will."""
        organization = found.entity.organization
        prospect = await self._ledger.read(organization, intent.prospect_key, Prospect)
        known = prospect.entity if prospect else Prospect()
        unclaimed = Change(intent.prospect_key, known.model_copy(update={"claimed_by": ""}), ANY)
        return await self._commit(organization, _with_state(found, "received"), unclaimed, *_released(intent))

    async def _commit(self, organization: str, own: Change, *others: Change) -> Versioned[Delivery] | None:
        """One transaction; the condition on the delivery itself guards the rest."""
        etags = await self._ledger.commit(organization, (own, *others))
        assert isinstance(own.entity, Delivery)
        return Versioned(own.entity, etags[0]) if etags else None


def _claimant(prospect: Prospect, keys: Keys) -> str:
    claims = [prospect.claimed_by, *(claim.entity.claimed_by for claim in keys.values() if claim)]
    return next(filter(None, claims), "")


async def _search(crm: Crm, subject: Subject) -> Mapping[RowKey, Row | None]:
    """The rows the rule asks for, then those they redirect to."""
    tables = ("lead", "contact")
    columns = {table: columns_to_read(subject.mappings.get(table), table) for table in tables}
    rows: dict[RowKey, Row | None] = {}
    wanted = subject.look_ups()
    while wanted:
        rows |= await crm.find(wanted, columns)
        wanted = redirects_to_read(rows)
    return rows


async def _write(crm: Crm, intent: Intent) -> bool:
    """Whether all of the intent's values stand in the row now, by us or by whoever helped."""
    if intent.etag is None:
        await crm.create(intent.table, intent.row_id, intent.values)  # "exists" means that it is ours
        return True
    if await crm.update(intent.table, intent.row_id, intent.values, etag=intent.etag) is WriteAnswer.DONE:
        return True
    key = (intent.table, intent.row_id)
    row = (await crm.find([_row_by_id(intent)], {intent.table: tuple(intent.values)}))[key]
    return row is not None and all(row.columns.get(name) == value for name, value in intent.values.items())


def _row_by_id(intent: Intent) -> LookUp:
    return LookUp(intent.table, ids=(intent.row_id,))


def _with_state(found: Versioned[Delivery], state: str, *, intent: Intent | None = None) -> Change:
    delivery = found.entity.model_copy(update={"state": state, "intent": intent})
    return Change(delivery.key, delivery, found.etag)


def _done(found: Versioned[Delivery], result: Result, now: datetime) -> Change:
    finished = result.model_copy(update={"finished_at": now})
    delivery = found.entity.model_copy(update={"state": "done", "intent": None, "result": finished})
    return Change(delivery.key, delivery, found.etag)


def _released(intent: Intent) -> list[Change]:
    released = [Change(key, Claim(), ANY) for key in intent.keys]
    row_claim = [] if intent.creates else [Change(row_claim_key(intent.table, intent.row_id), None, ANY)]
    return released + row_claim


def _refused(result: Result, refused: RejectedRowError) -> Result:
    return result.model_copy(
        update={
            "outcome": Outcome.FAILED,
            "reason": refused.message,
            "row_id": "" if result.outcome is Outcome.CREATED else result.row_id,
            "error_class": ErrorClass.CONFIGURATION if refused.about_mapping else ErrorClass.DATA,
            "error_code": refused.code,
            "error_column": refused.column,
            "before": {},
        }
    )


def _without_new_row(intent: Intent) -> Prospect:
    """The person as heard, without the link to a row that was never made."""
    links = {table: row_id for table, row_id in intent.prospect.links.items() if row_id != intent.row_id}
    return intent.prospect.model_copy(update={"links": links}) if intent.creates else intent.prospect
