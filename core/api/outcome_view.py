"""What became of a delivery that an operator sent: an edit of a person, a body that was replayed."""

from typing import Annotated

from pydantic import BaseModel, Field

from core.sync.capture import Answer


class OutcomeView(BaseModel):
    """What became of it; `queued`, `retrying` and `paused` ones go on by themselves."""

    receipt: Annotated[str, Field(description="Of the delivery that answers for it: another where one was held.")]
    outcome: str
    reason: str = ""
    table: str | None = None
    record_id: str | None = None
    record_url: str | None = None
    warnings: list[str] = []


def outcome_view(answer: Answer) -> OutcomeView:
    result = answer.result
    if result is None:
        return OutcomeView(receipt=answer.receipt, outcome=answer.state)
    return OutcomeView(
        receipt=answer.receipt,
        outcome=result.outcome.value,
        reason=result.reason,
        table=result.table or None,
        record_id=result.row_id or None,
        record_url=answer.row_url or None,
        warnings=list(result.warnings),
    )
