"""A history that ended wrongly, for people: what stood there, what was said, what struck, what stands now."""

from collections.abc import Iterator
from typing import Any

from tests.histories.history import History
from tests.histories.judging import SHOWN
from tests.histories.playing import Ended


def told(history: History, ended: Ended) -> str:
    return "\n".join(_lines(history, ended))


def _lines(history: History, ended: Ended) -> Iterator[str]:
    yield f"seed {history.seed}: no order of these deliveries gives what stands"
    for row in history.rows:
        yield f"  row   {row.table} {row.row_id[:8]} {row.columns}"
    for said in history.said:
        went, body = ended.went[said.number], said.body
        way = "in bulk to" if said.in_bulk else "to"
        fields = {name: value for name, value in body["prospect"]["fields"].items() if value}
        yield (
            f"  said  d{said.number} {said.action} at {body['occurred_at'][11:16]} prospect {body['prospect']['id']} "
            f"{body['event']} {body['submission']} {fields} {_answers(body)}{way} hosts {said.hosts} "
            f"-> {went.outcome} {went.table} {went.row_id[:8]}"
        )
    for struck in ended.struck:
        yield f"  fault {struck}"
    for (table, row_id), columns in sorted(ended.standing.rows.items()):
        shown = {name: columns[name] for name in (*SHOWN, "createdon", "modifiedon") if columns.get(name)}
        yield f"  ends  {table} {row_id[:8]} {shown}"
    for what, there in ended.standing.beside.items():
        yield f"  ends  {what} {there}"


def _answers(body: dict[str, Any]) -> str:
    return "".join(f"{answer['value']} " for answer in body.get("answers", []))
