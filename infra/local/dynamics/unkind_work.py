"""What one request asks for, carried out; with the unkindness that meets a batch, its parts, or a row.

Duty: alone or in a $batch, and where rules of `faults` come in. What an operation does is `operations`'.
"""

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import below_root
from infra.local.dynamics.batches import CutError, perform_batch
from infra.local.dynamics.callers import Caller
from infra.local.dynamics.environment import Environment
from infra.local.dynamics.exchange import Answer, Request
from infra.local.dynamics.faults import Kind, Rule, Stage
from infra.local.dynamics.meddling import Meddling
from infra.local.dynamics.operations import perform
from infra.local.dynamics.request_log import Entry
from infra.local.dynamics.touched_tables import touched_tables
from infra.local.dynamics.unkind_answers import unkind_answer


def find_fault(environment: Environment, stage: Stage, request: Request) -> Rule | None:
    if not environment.faults.waiting():
        return None
    tables = touched_tables(environment.schema, request)
    return environment.faults.pick(stage, request.method, request.target, tables)


class UnkindWork:
    """The work of one request; `entry` is told which fault met it."""

    def __init__(self, environment: Environment, caller: Caller, entry: Entry) -> None:
        self._environment = environment
        self._caller = caller
        self._entry = entry
        self._meddling = Meddling(environment)

    def perform(self, request: Request) -> Answer:
        if below_root(request.path) != "$batch":
            return self._operation(request)
        if request.method != "POST":
            raise errors.method_not_allowed(request.method)
        answer = self._batch(request)
        self._meddling.stand()
        return answer

    def _batch(self, request: Request) -> Answer:
        broken = self._noted(find_fault(self._environment, Stage.BATCH, request))

        def part(inner: Request, place: int, count: int) -> Answer:
            if broken is not None and place >= broken.first_lost(count):
                return _lost(broken)
            rule = self._noted(find_fault(self._environment, Stage.PART, inner))
            answer = unkind_answer(rule) if rule else None
            return answer or self._operation(inner)

        return perform_batch(self._environment, request, part, self._entry.parts)

    def _operation(self, request: Request) -> Answer:
        if self._environment.faults.waiting():
            self._meddle(request)
        return perform(self._environment, self._caller, request)

    def _meddle(self, request: Request) -> None:
        """Only a request about a row that is there counts as a call of such a rule."""
        target = self._meddling.target(self._caller, request)
        if target is not None and self._noted(find_fault(self._environment, Stage.OPERATION, request)):
            self._meddling.save(target)

    def _noted(self, rule: Rule | None) -> Rule | None:
        if rule is not None:
            self._entry.fault = str(rule.kind)
        return rule


def _lost(broken: Rule) -> Answer:
    answer = None if broken.kind is Kind.CUT_BATCH else unkind_answer(broken)
    if answer is None:
        raise CutError
    return answer
