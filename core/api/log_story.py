"""The drill-down of one delivery, told in plain words: what came, what became of it, why this row, what was tried."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.api.log_view import LogDetail
from core.api.plain_text import counted, moment, section
from core.domain.trail import Attempt, Call
from core.domain.values import as_text


def told(log: LogDetail) -> str:
    """As the detail says it: masked, or in clear."""
    parts = (
        section(f"Delivery {log.delivery}", _came(log)),
        section("What became of it", _became(log)),
        section("Which row, and why", _why(log.explain)),
        section("What stood there before", (f"{name}: {_shown(value)}" for name, value in log.before.items())),
        section("What was tried", _tried(log.tried)),
    )
    return "\n".join(filter(None, parts))


def _came(log: LogDetail) -> Iterator[str]:
    yield f"of {log.person}" if log.person else ""
    yield f"prospect {log.prospect}" if log.prospect else ""
    yield f"{log.event}, by {log.trigger}, for the action {log.action} on {log.connection}"
    named = {"form": _form(log), "event": log.form_event, "submission": log.activity, "batch": log.batch}
    yield ", ".join(f"{name} {value}" for name, value in named.items() if value)
    yield f"came in {moment(log.received_at)}"
    yield f"came again {counted(log.repeats, 'time')}" if log.repeats else ""
    yield f"was replayed {counted(log.replays, 'time')}, last as {log.replay}" if log.replays else ""


def _form(log: LogDetail) -> str:
    return f"{log.form} ({log.form_name})" if log.form and log.form_name else log.form or log.form_name


def _became(log: LogDetail) -> Iterator[str]:
    if not log.outcome:
        yield f"It is on its way ({log.state}), after {counted(log.attempts, 'attempt')}."
        return
    yield " ".join(filter(None, (log.outcome, log.table, log.record_id)))
    yield log.record_url
    yield log.reason
    yield f"Dynamics says: {log.dynamics_says}" if log.dynamics_says else ""
    if log.error_class:
        told = {"code": log.error_code, "column": log.error_column, "cause": log.cause}
        yield ", ".join([f"class {log.error_class}", *(f"{name} {value}" for name, value in told.items() if value)])
    yield f"To do: {log.fix}" if log.fix else ""
    yield from (f"Warning: {warning}" for warning in log.warnings)
    ran = f" under version {log.mapping_version} of the mapping" if log.mapping_version else ""
    yield f"over {moment(log.finished_at)}, after {log.duration_ms / 1000:.1f} s{ran}"


def _why(explain: Mapping[str, Any]) -> Iterator[str]:
    rule = explain.get("rule")
    if rule is None:
        return
    yield f"rule: {rule['tables']} by {rule['by']}; closed rows: {rule['inactive']}"
    more = ("on_duplicate", "on_match", "create", "without_key")
    yield "; ".join(f"{name}: {rule[name]}" for name in more if name in rule)
    yield from (f"asked {query['table']}: {_asked(query)}" for query in explain.get("queries", ()))
    candidates = explain.get("candidates", ())
    yield "" if candidates else "found nobody"
    yield from map(_candidate, candidates)
    yield f"- and {explain['candidates_left_out']} more" if "candidates_left_out" in explain else ""
    yield f"matched by {explain['matched_by']} in {explain['in']}: {explain['chosen']}" if "chosen" in explain else ""
    yield f"the tie was settled by {explain['tie_break']}" if "tie_break" in explain else ""
    if late := explain.get("late"):
        yield f"it came late: said at {late['said_at']}, when something newer of {late['newest_said_at']} was known"
    yield from (f"kept {column}: {why}" for column, why in explain.get("kept", {}).items())


def _asked(query: Mapping[str, Any]) -> str:
    columns = ", ".join(query.get("email_columns", ()))
    emails = query.get("emails", 0)
    ways = (
        "by the row it went to before" if query.get("link") else "",
        f"by {counted(emails, 'address', 'addresses')} in {columns}" if emails else "",
        "by first and last name" if query.get("name") else "",
        f"by {query['by']}" if query.get("by") else "",
        f"{counted(query['redirects'], 'row')} that others lead to" if query.get("redirects") else "",
    )
    return "; ".join(filter(None, ways))


def _candidate(candidate: Mapping[str, Any]) -> str:
    fits = candidate.get("fits_by")
    dates = {"created": candidate.get("createdon"), "changed": candidate.get("modifiedon")}
    facts = [f"fits by {' and '.join(fits)}" if fits else "", *(f"{name} {at}" for name, at in dates.items() if at)]
    told = ", ".join(filter(None, facts))
    return f"- {candidate['table']} {candidate['row_id']}{f' ({told})' if told else ''}: {candidate['fate']}"


def _tried(attempts: list[Attempt]) -> Iterator[str]:
    for number, attempt in enumerate(attempts, 1):
        yield f"{number}. {moment(attempt.at)}: {attempt.happened}"
        yield f"   Dynamics says: {attempt.words}" if attempt.words else ""
        facts = {"code": attempt.code, "request": attempt.request_id}
        yield _indented(", ".join(f"{name} {value}" for name, value in facts.items() if value))
        for call in attempt.calls:
            yield from map(_indented, _call(call))


def _call(call: Call) -> Iterator[str]:
    facts = (
        str(call.status or "no answer"),
        call.code,
        f"{call.ms} ms",
        call.request_id and f"request {call.request_id}",
    )
    yield f"{call.method} {call.path}: {', '.join(filter(None, facts))}"
    yield from (f"  {part}" for part in call.parts)


def _indented(line: str) -> str:
    return f"   {line}" if line else ""


def _shown(value: Any) -> str:
    return as_text(value) or "(empty)"
