"""One delivery's turn: read its keys, search, claim, write, finish (the steps of once/protocol.md).

No locks and no leases: whoever meets a claim carries out the claimant's intent first, and every write is conditional,
so any number of workers may run one delivery at once. Decides nothing itself: `domain.decision` does. Failures of the
outside world pass through; what has been done by then stays safe to do again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from core.domain.automation import Changed, changed_key
from core.domain.decision import decide
from core.domain.delivery import Claim, Delivery, Intent, Result, delivery_key, prospect_name_of
from core.domain.folding import Heard, Pile, fold
from core.domain.note import NOTE_COLUMNS, note_look_ups
from core.domain.prospect import News, Prospect, with_news
from core.domain.references import Found
from core.domain.refitting import refitted
from core.domain.settling import settled_without_search
from core.errors import MisconfiguredConnectionError, RejectedRowError, RetryableError, ThrottledError
from core.sync.carrying_out import carry_out, has_landed
from core.sync.metadata import Doubts, refresh_mappings
from core.sync.ports import ABSENT, ANY, Change, ConnectionSetup, Crm, Crms, Ledger, TurnSettings, Versioned
from core.sync.reading import Follower, Known, Presumed, Reading, search, search_beside
from core.sync.turn_changes import (
    as_heard,
    ended,
    is_heard,
    is_in_doubt,
    is_not_mapped,
    not_searched,
    not_stored,
    reached,
    refused_by,
    released,
    replanned,
    with_state,
    without_new_row,
    written_to,
)

ROUNDS_MOST = 60
WRITE_SECONDS = 0.25  # about as long as a write takes; a claimant gets this long before he is helped
FIRST_LOOK_SECONDS = 0.03


class Turns:
    """Runs deliveries to their end."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        configuration: TurnSettings,
        crms: Crms,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        presumed: Presumed = Presumed.KEYS,
        rest: Callable[[ThrottledError], Awaitable[None]] | None = None,
    ) -> None:
        """`presumed`: of deliveries that nobody has stored yet, at the first look. `rest`: waits for a limit of
        Dynamics' to pass, or raises it; without one, whoever meets a limit goes on later.
        """
        self._presumed = presumed
        self._rest = rest
        self._ledger = ledger
        self._configuration = configuration
        self._reading = Reading(ledger=ledger, configuration=configuration)
        self._doubts = Doubts(configuration=configuration, now=now)
        self._crms = crms
        self._now = now
        self._new_id = new_id
        self._sleep = sleep

    async def complete(self, found: Versioned[Delivery], followers: Sequence[Versioned[Delivery]] = ()) -> Delivery:
        """The delivery when it is done. Raises what Dynamics or storage raise; calling again goes on from there.

        `followers`: deliveries of the same person that come right after it, in their order. Those whose part can be
        written together with this one's end with it; the others are left as they are.
        """
        is_claimed_now = False
        for round_number in range(ROUNDS_MOST):
            delivery = found.entity
            if delivery.state == "done":
                return delivery
            first = round_number == 0
            try:
                advanced = await self._advanced(found, followers if first else (), first=first, claimed=is_claimed_now)
            except ThrottledError as limit:
                if self._rest is None:
                    raise
                await self._rest(limit)
                advanced = None
            is_claimed_now = advanced is not None
            if advanced is None:
                await self._sleep(random.uniform(0, 0.02 * (round_number + 1)))  # noqa: S311  # spreads contenders
                advanced = await self._read_again(found)
            found = advanced
        raise RetryableError("Too many deliveries about the same person at once; this one goes on later.")

    async def _advanced(
        self, found: Versioned[Delivery], followers: Sequence[Versioned[Delivery]], *, first: bool, claimed: bool
    ) -> Versioned[Delivery] | None:
        """One step further; None: it has to be read again. `claimed`: by us, a moment ago."""
        delivery = found.entity
        if delivery.state == "received":
            return await self._take(found, followers, is_first=first)
        if delivery.intent is None:
            await self._help(delivery.organization, delivery.folded_into)
            return None
        return await (self._carry_out(found) if claimed else self._go_on(found))

    async def preview(self, delivery: Delivery) -> Intent | Result:
        """What the turn would do now. Writes nothing."""
        known = await self._reading.known(delivery)
        if settled := settled_without_search(known.subject):
            return settled
        crm = await self._crms.crm(known.setup.connection)
        return decide(known.subject, await search(crm, known.subject), new_id=self._new_id())

    async def _read_again(self, found: Versioned[Delivery]) -> Versioned[Delivery]:
        """One that has not been stored yet may still be nobody's."""
        now = await self._ledger.read(found.entity.organization, found.entity.key, Delivery)
        if now is None and found.etag != ABSENT:
            raise not_stored(found.entity.organization, found.entity.id)
        return now or found

    async def _read(self, organization: str, delivery_id: str) -> Versioned[Delivery]:
        found = await self._ledger.read(organization, delivery_key(delivery_id), Delivery)
        if found is None:
            raise not_stored(organization, delivery_id)
        return found

    # --- Before the claim -------------------------------------------------------------------------------------------

    async def _take(
        self, found: Versioned[Delivery], followers: Sequence[Versioned[Delivery]], *, is_first: bool
    ) -> Versioned[Delivery] | None:
        """From `received` to an intent, or to the end when nothing is to be written. None: start again."""
        delivery = found.entity
        presumed = self._presumed if is_first and found.etag == ABSENT else Presumed.NOTHING
        known, next_ones = await asyncio.gather(
            self._reading.known(delivery, presumed=presumed),
            self._reading.followers(delivery, followers, presumed=self._presumed),
        )
        if presumed is Presumed.PERSON and settled_without_search(known.subject):  # it ends on no condition
            known = await self._reading.known(delivery)
        if result := settled_without_search(known.subject):
            return await self._commit(delivery.organization, ended(found, result, self._now()))
        if claimant := known.claimant:
            await self._help(delivery.organization, claimant)
            return None
        crm = await self._crms.crm(known.setup.connection)
        try:
            there, beside = await asyncio.gather(search(crm, known.subject), search_beside(crm, known, next_ones))
            decision = decide(known.subject, there, new_id=self._new_id())
        except RejectedRowError as refused:
            if refused.about_mapping and not delivery.is_replanned:
                await refresh_mappings(crm, self._configuration, known.setup)
                return await self._commit(delivery.organization, with_state(replanned(found), "received"))
            there, beside, decision = Found(), [], refused_by(not_searched(known.subject), refused)
        if is_not_mapped(decision) and not delivery.mapped_as and await self._is_mapped_by_now(known.setup):
            return None
        pile = fold(Heard(known.subject, there), decision, beside)
        if is_in_doubt(pile) and not delivery.is_replanned and await self._doubts.settled(crm, known.setup):
            return await self._commit(delivery.organization, with_state(replanned(found), "received"))
        return await self._settle(found, known, pile, next_ones[: len(pile.folded)])

    async def _settle(
        self, found: Versioned[Delivery], known: Known, pile: Pile, folded: Sequence[Follower]
    ) -> Versioned[Delivery] | None:
        """Saves what was decided, for all who are in the pile."""
        delivery, subject = found.entity, known.subject
        known = known.and_of(each.known for each in folded)
        if isinstance(pile.decision, Intent):
            return await self._claim(found, known, pile.decision, [each.found for each in folded])
        person, news = with_news(subject.known, pile.person, is_heard=is_heard(delivery))
        ends = zip(folded, pile.folded, strict=True)
        return await self._commit(
            delivery.organization,
            ended(found, pile.decision, self._now()),
            *(ended(each.found, its.result, self._now()) for each, its in ends),
            Change(subject.prospect_key, person, known.prospect_etag),
            *known.conditions(pile.keys, claimed_by=""),
            *self._news(delivery, subject.prospect_key, news, reached(pile.decision, known)),
        )

    async def _claim(
        self, found: Versioned[Delivery], known: Known, intent: Intent, followers: Sequence[Versioned[Delivery]]
    ) -> Versioned[Delivery] | None:
        """Saves the intent and claims keys and row, provided that none has changed since it was read."""
        delivery = found.entity
        claimed = known.subject.known.model_copy(update={"claimed_by": delivery.id})
        intent = as_heard(delivery, known.subject.known, intent)
        row_claim = [Change(intent.row_claim, Claim(claimed_by=delivery.id), ABSENT)] if intent.row_claim else []
        after = await self._commit(
            delivery.organization,
            with_state(found, "intent", intent=intent),
            *(with_state(each, "intent", folded_into=delivery.id) for each in followers),
            Change(intent.prospect_key, claimed, known.prospect_etag),
            *known.conditions(intent.keys, claimed_by=delivery.id),
            *row_claim,
        )
        if after is None and intent.row_claim:
            holder = await self._ledger.read(delivery.organization, intent.row_claim, Claim)
            if holder and holder.entity.claimed_by != delivery.id:
                await self._help(delivery.organization, holder.entity.claimed_by)
        return after

    async def _is_mapped_by_now(self, setup: ConnectionSetup) -> bool:
        """Another instance may have saved a mapping a moment ago, which this one does not remember yet."""
        fresh = await self._configuration.fresh_setup(setup.connection.id)
        return fresh is not None and fresh.mappings.keys() != setup.mappings.keys()

    async def _help(self, organization: str, claimant: str) -> None:
        """Carries out the intent of whoever holds a claim, unless he does so himself in the meantime."""
        before = await self._read(organization, claimant)
        if before.entity.state != "intent":
            return
        if not await self._is_slow(before):
            return
        try:
            await self._go_on(before)
        except MisconfiguredConnectionError as error:
            raise RetryableError(
                "Another delivery about the same person has to be finished first, and its connection is paused.",
                detail=f"{claimant}: {error.message}",
            ) from error

    async def _is_slow(self, claimant: Versioned[Delivery]) -> bool:
        """Whether the claimant stands where he stood, after about as long as a write takes."""
        waited, pause = 0.0, FIRST_LOOK_SECONDS
        while waited < WRITE_SECONDS:
            await self._sleep(pause)
            waited, pause = waited + pause, pause * 2
            if not await self._is_open(claimant):
                return False
        return True

    # --- After the claim --------------------------------------------------------------------------------------------

    async def _go_on(self, found: Versioned[Delivery]) -> Versioned[Delivery] | None:
        """With an intent that was saved some time ago: the environment may have been copied since."""
        setup = await self._reading.setup(found.entity)
        await (await self._crms.crm(setup.connection)).confirm_organization()
        return await self._carry_out(found)

    async def _carry_out(self, found: Versioned[Delivery]) -> Versioned[Delivery] | None:
        """Writes what the intent says, then finishes. None: somebody else did, or it has to be decided anew."""
        delivery, intent = found.entity, found.entity.intent
        assert intent is not None
        setup = await self._reading.setup(delivery)
        crm = await self._crms.crm(setup.connection)
        try:
            can_be_refitted = not delivery.is_replanned
            done = await carry_out(crm, intent, lambda: self._is_open(found), can_be_refitted=can_be_refitted)
        except RejectedRowError as refused:
            if await has_landed(crm, intent):
                return await self._finish(found, intent, intent.result, intent.prospect)
            if intent.alone:
                return await self._unfold(found, intent, intent.alone)
            if refused.about_mapping and not delivery.is_replanned:
                return await self._refit(found, intent, crm, setup)
            return await self._finish(found, intent, refused_by(intent.result, refused), without_new_row(intent))
        if done is None:
            return await self._decide_anew(found)
        result = intent.result.model_copy(update={"warnings": (*intent.result.warnings, *done.warnings)})
        return await self._finish(found, intent, result, intent.with_effects(done.marks, delivery.said_at))

    async def _is_open(self, found: Versioned[Delivery]) -> bool:
        """Whether nobody has finished or changed the delivery since it was read."""
        now = await self._ledger.read(found.entity.organization, found.entity.key, Delivery)
        return now is not None and now.etag == found.etag

    async def _finish(
        self, found: Versioned[Delivery], intent: Intent, result: Result, person: Prospect
    ) -> Versioned[Delivery] | None:
        followers = await self._folded(found.entity.organization, intent)
        results = [result, *(each.result for each in intent.folded)]
        news = News(intent.is_heard, intent.changed)
        after = person.model_copy(update={"last_outcome": results[-1].outcome.value})
        return await self._commit(
            found.entity.organization,
            *(ended(each, told, self._now()) for each, told in zip([found, *followers], results, strict=True)),
            Change(intent.prospect_key, after, ANY),
            *released(intent),
            *self._news(found.entity, intent.prospect_key, news, written_to(result)),
        )

    async def _folded(self, organization: str, intent: Intent) -> list[Versioned[Delivery]]:
        return list(await asyncio.gather(*(self._read(organization, each.delivery) for each in intent.folded)))

    async def _unfold(self, found: Versioned[Delivery], intent: Intent, alone: Intent) -> Versioned[Delivery] | None:
        """Dynamics refuses something that one of them says: each goes on by itself, and the first keeps the claims.
        Should what was sent still land, the others find it there.
        """
        others = await self._folded(found.entity.organization, intent)
        unclaimed = intent.row_claim if alone.row_claim is None else None
        return await self._commit(
            found.entity.organization,
            with_state(found, "intent", intent=alone),
            *(with_state(each, "received") for each in others),
            *([Change(unclaimed, None, ANY)] if unclaimed else []),
        )

    def _news(self, delivery: Delivery, prospect_key: str, news: News, reached: str) -> list[Change]:
        """For automations: that the person was heard, in the transaction that stores it. What they hand over themselves
        is heard only where it is new to this organisation.
        """
        if not news:
            return []
        is_carried = delivery.trigger == "automation" and delivery.capture.prospect.only_news is True
        name = prospect_name_of(prospect_key)
        changed = Changed(prospect=name, fields=news.changed, reached=reached, carried=is_carried)
        return [Change(changed_key(self._now(), delivery.id), changed, ANY)]

    async def _refit(
        self, found: Versioned[Delivery], intent: Intent, crm: Crm, setup: ConnectionSetup
    ) -> Versioned[Delivery] | None:
        """The table has changed since the mapping was saved: learns it anew, once, and goes on with the same intent, as
        far as its columns take it. Its claims stay, so nobody comes between what was sent and what will be.
        """
        await refresh_mappings(crm, self._configuration, setup)
        subject = (await self._reading.known(found.entity)).subject
        mapping = subject.mappings[intent.result.table]
        notes = await crm.find(note_look_ups(subject), {"annotation": NOTE_COLUMNS})
        again = refitted(intent, subject, mapping, notes)
        return await self._commit(found.entity.organization, with_state(replanned(found), "intent", intent=again))

    async def _decide_anew(self, found: Versioned[Delivery]) -> Versioned[Delivery] | None:
        """The row changed first, and with its old ETag nobody writes it any more."""
        organization, intent = found.entity.organization, found.entity.intent
        assert intent is not None
        prospect = await self._ledger.read(organization, intent.prospect_key, Prospect)
        known = prospect.entity if prospect else Prospect()
        unclaimed = Change(intent.prospect_key, known.model_copy(update={"claimed_by": ""}), ANY)
        again = [with_state(each, "received") for each in (found, *await self._folded(organization, intent))]
        return await self._commit(organization, *again, unclaimed, *released(intent))

    async def _commit(self, organization: str, own: Change, *others: Change) -> Versioned[Delivery] | None:
        """One transaction; the condition on the delivery itself guards the rest."""
        etags = await self._ledger.commit(organization, (own, *others))
        assert isinstance(own.entity, Delivery)
        return Versioned(own.entity, etags[0]) if etags else None
