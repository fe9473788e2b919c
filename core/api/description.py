"""The API's description as people and generators read it: what FastAPI writes, put straight.

Every refusal is a problem detail, and only the refusals that an operation can give are listed; each tag says what it is
for; bodies have an example that works.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from core.api.glossary import explain

TAGS = {
    "connections": "Connected Dynamics environments. Secrets are write-only.",
    "mappings": "Which prospect fields become which columns of lead, contact and account.",
    "actions": "What to do with a prospect; captures name an action in their address.",
    "transfer": "Mappings and actions as one file.",
    "bulk": "Many prospects handed over at once for one action.",
    "automations": "Schedules and criteria that select prospects, and the action to run on them.",
    "plans": "What a run would do, row by row, before it does it.",
    "logs": "What became of each delivery. Personal data is masked unless `reveal` asks for it.",
    "failures": "What failed, by cause, with its fix.",
    "replays": "Doing again what did not succeed.",
    "balance": "Whether everything that was captured is accounted for.",
    "prospects": "The people known here, and the rows they are linked to.",
    "quarantine": "Bodies that could not be read, kept whole.",
    "health": "Whether the service can work.",
}
_ABOUT = """\
Brings people captured at events with Captello into Dynamics 365 as leads and contacts.

Every request needs a function key, in the header `x-functions-key` or as `?code=`. Bodies and answers are JSON in
snake_case. Refusals are problem details (RFC 9457) of type `application/problem+json`; `errors` names each field and
what would be accepted. Lists are paged by `cursor`. What is configured has an `ETag`: send it back as `If-Match` to
change it. Parameters and parts of a body that are not described are refused (422), and other methods with 405 and
`Allow`.
"""
_REFUSALS = {
    "400": "The body cannot be read: it is not JSON in UTF-8, or is broken.",
    "401": "The function key is missing or wrong; the Functions host answers this itself, without a body.",
    "404": "There is no such thing.",
    "409": "It stands against what is there already, or the connection cannot be used until somebody has mended it.",
    "412": "Somebody else has changed it since; `detail` names what. Or there is one already.",
    "413": "The body is too large.",
    "415": "It is not what `content-type` has to say, or not in an encoding that can be read.",
    "422": "Something sent cannot be accepted; `errors` names the fields.",
    "428": "It exists: send `If-Match`.",
    "502": "Dynamics refused what was asked of it.",
    "503": "Storage, Key Vault or Dynamics cannot be reached now.",
}
# What stands against it: ids that are taken, work that is under way, connections that nobody has mended.
_CONFLICTS = {
    *("create_connection", "save_connection", "check_connection", "replace_credential", "revoke_connection"),
    *("list_columns", "save_mapping", "read_mapping", "suggest_mapping", "list_versions", "read_version"),
    *("create_action", "save_action", "read_action", "delete_action", "create_automation", "save_automation"),
    *("read_automation", "preview_automation", "activate_automation", "pause_automation", "run_automation"),
    *("read_secret", "save_secret", "end_previous_secret", "end_secret", "export", "import_"),
    *("begin_bulk", "begin_named_bulk", "save_part", "begin_parts", "cancel_bulk", "begin_replay", "list_runs"),
    *("begin_named_replay", "replay_quarantined", "discard_quarantined", "erase_prospect", "read_connection"),
}
# Those that ask Dynamics while the caller waits; everywhere else nobody hears of its refusals but by the log.
_ASK_DYNAMICS = {
    *("create_connection", "save_connection", "check_connection", "replace_credential", "list_columns"),
    *("save_mapping", "suggest_mapping", "import_"),
}
# What may be overtaken by somebody else who saves the same at the same moment, without sending an ETag.
_MEETING_OTHERS = {
    *("create_connection", "create_action", "create_automation", "replace_credential", "revoke_connection"),
    *("activate_automation", "pause_automation", "import_"),
}
_NAMING_OTHERS = {"begin_bulk", "import_", "create_action", "create_automation"}  # that may not be there
_ETAG = {"ETag": {"description": "Send it back as `If-Match` to change this.", "schema": {"type": "string"}}}
_BOOTH = {
    "connection": "contoso",
    "match": {"tables": "contacts_then_leads", "by": "email"},
    "on_duplicate": "most_recently_updated",
    "create": "lead",
    "filter": {"any": [{"about": "rating", "greater": 2}, {"field": "Country", "in": ["DE", "AT"]}]},
}
_CONTOSO = {
    "name": "Contoso",
    "url": "https://org123abc.crm.dynamics.com/",
    "tenant_id": "11111111-1111-4111-8111-111111111111",
    "client_id": "22222222-2222-4222-8222-222222222222",
    "client_secret": "the secret's value, not its id",
    "environment": "sandbox",
    "time_zone": "Europe/Berlin",
}
_HOT = {
    "action": "booth",
    "criteria": {"all": [{"about": "rating", "greater": 2}, {"field": "Country", "in": ["DE", "AT"]}]},
    "schedule": {"every_minutes": 60, "weekdays": ["mon", "tue", "wed"], "time_zone": "Europe/Berlin"},
}
EXAMPLES: dict[str, Any] = {
    "create_connection": {"id": "contoso", **_CONTOSO},
    "save_connection": _CONTOSO,
    "replace_credential": {"client_secret": "the new secret's value", "secret_expires_on": "2027-05-04"},
    "revoke_connection": {"confirm": "contoso"},
    "save_mapping": {
        "rows": [
            {"source": "LastName", "column": "lastname", "default": "(unknown)"},
            {"source": "Email", "column": "emailaddress1"},
            {"source": "submission.rating", "column": "leadqualitycode", "choices": {"3": "Hot"}},
        ]
    },
    "create_action": {"id": "booth", **_BOOTH},
    "save_action": _BOOTH,
    "create_automation": {"id": "hot-leads", **_HOT},
    "save_automation": _HOT,
    "save_secret": {"secret": "32 or more characters, as random as can be"},
    "erase_prospect": {"confirm": "777"},
    "edit_prospect": {"action": "booth", "fields": {"Title": "Head of Sales", "Phone": ""}},
    "replay_quarantined": {"body": '{"Email": "mara@x.example", "LastName": "Hara"}'},
    "discard_quarantined": {"reason": "a test of the template"},
    "begin_replay": {"cause": "0f3a5c7e9b1d2f4a", "mapping": "current"},
    "begin_named_replay": {"receipts": ["5b2a5f5f8f3f4f0c8f5f1c2d3e4f5a6b"]},
}


def describe(app: FastAPI) -> None:
    """Makes the application describe itself so; the description is made once, when somebody asks for it."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _straightened(_written(app))
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def _written(app: FastAPI) -> dict[str, Any]:
    return get_openapi(
        title=app.title, version=app.version, description=_ABOUT, routes=app.routes, openapi_version="3.1.0"
    )


def _straightened(document: dict[str, Any]) -> dict[str, Any]:
    document["components"]["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
        "code": {"type": "apiKey", "in": "query", "name": "code"},
    }
    document["security"] = [{"key": []}, {"code": []}]
    used = {tag for _, operation in _operations(document) for tag in operation["tags"]}
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items() if name in used]
    for path, operation in _operations(document):
        operation["summary"] = _summary(operation)
        _give_example(operation)
        _put_refusals_straight(path, operation)
    for path, item in document["paths"].items():
        if "if-match" in _headers(item.get("put", {})):
            _give_etags([*item.values(), *_creating(document, path)])
    document["components"]["schemas"].pop("HTTPValidationError", None)
    document["components"]["schemas"].pop("ValidationError", None)
    explain(document)
    return document


def _creating(document: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
    """What creates on the collection that this address is of, where there is such."""
    collection = document["paths"].get(path.rpartition("/")[0], {})
    if "post" in collection:
        yield collection["post"]


def _give_etags(operations: Iterable[dict[str, Any]]) -> None:
    for operation in operations:
        for code in operation["responses"].keys() & {"200", "201"}:
            operation["responses"][code]["headers"] = _ETAG


def _put_refusals_straight(path: str, operation: dict[str, Any]) -> None:
    answers = {code: each for code, each in operation["responses"].items() if code not in _REFUSALS}
    operation["responses"] = answers | {code: _refusal(code) for code in sorted(_possible(path, operation))}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def _summary(operation: dict[str, Any]) -> str:
    """Where a route has none of its own, the first sentence of its description."""
    made_up = operation["operationId"].replace("_", " ").title()
    if operation.get("summary", made_up) != made_up:
        return str(operation["summary"])
    sentence = re.split(r"[.;:]\s|\n\n", str(operation.get("description", "")))[0].strip().rstrip(".:")
    return " ".join(sentence.split()) or made_up.capitalize()


def _give_example(operation: dict[str, Any]) -> None:
    example = EXAMPLES.get(operation["operationId"])
    if example is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = example


def _possible(path: str, operation: dict[str, Any]) -> Iterator[str]:
    name, has_body = operation["operationId"], "requestBody" in operation
    yield from ["401", "422", "503"]  # 422: parameters that nobody knows are refused everywhere
    if has_body:
        yield from ["400", "413", "415"]
    if "{" in path or name in _NAMING_OTHERS:
        yield "404"
    if name in _CONFLICTS:
        yield "409"
    if "if-match" in _headers(operation):
        yield from ["412", "428"]
    if name in _MEETING_OTHERS:
        yield "412"
    if name in _ASK_DYNAMICS:
        yield "502"


def _headers(operation: dict[str, Any]) -> set[str]:
    return {each["name"].lower() for each in operation.get("parameters", ()) if each["in"] == "header"}


def _refusal(code: str) -> dict[str, Any]:
    if code == "401":
        return {"description": _REFUSALS[code]}
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": _REFUSALS[code], "content": {"application/problem+json": problem}}
