"""How others sync many people, each right but for what it does not promise: `python -m tests.benchmarks.bulk_rivals`.

`one_by_one` is what n8n, Formie and Mautic do: search, then write, each person for itself; `eight_at_once` is the same
on eight connections. `microsoft` is Microsoft's own client: look-ups with `In`, then its bulk create and update. They
are told to wait by a 429 and do. None keeps anything: no log, no claim, no second try after a lost answer.
"""

import dataclasses
import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
from typing_extensions import override

from tests.benchmarks.bulk_people import MIXES, Mix, Person, people

_API: Final = "/api/data/v9.2/"
_CHUNK, _LOOKED_UP = 1000, 250


@dataclasses.dataclass
class Result:
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


# --- Search, then write ----------------------------------------------------------------------------------------------


class _Api:
    """One connection, which waits when it is told to."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=url + _API, headers={"Authorization": f"Bearer {token}"}, timeout=120)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        while (answer := self._http.request(method, path, **options)).status_code == httpx.codes.TOO_MANY_REQUESTS:
            time.sleep(float(answer.headers["Retry-After"]))
        return answer.raise_for_status()

    def first(self, table: str, condition: str) -> str | None:
        query = {"$select": f"{table}id", "$filter": condition, "$top": "1"}
        found = self.send("GET", f"{table}s", params=query).json()["value"]
        return str(found[0][f"{table}id"]) if found else None

    def create(self, table: str, values: dict[str, Any]) -> str:
        answer = self.send("POST", f"{table}s", json=values)
        return answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")


class _Accounts:
    """Each company asked for once, and made once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def id_of(self, api: _Api, company: str) -> str:
        with self._lock:
            if company not in self._known:
                found = api.first("account", f"name eq {_quoted(company)}")
                self._known[company] = found or api.create("account", {"name": company})
            return self._known[company]


def one_by_one(url: str, token: str, everybody: Sequence[Person], *, at_once: int = 1) -> None:
    accounts, own = _Accounts(), threading.local()

    def sync(person: Person) -> None:
        if not hasattr(own, "api"):
            own.api = _Api(url, token)
        _search_then_write(own.api, person, accounts)

    with ThreadPoolExecutor(at_once) as pool:
        for _ in pool.map(sync, everybody):
            pass


def eight_at_once(url: str, token: str, everybody: Sequence[Person]) -> None:
    one_by_one(url, token, everybody, at_once=8)


def _search_then_write(api: _Api, person: Person, accounts: _Accounts) -> None:
    table = person.mix.table
    found = api.first(table, f"emailaddress1 eq {_quoted(person.email)} and statecode eq 0") if person.email else None
    if found is None and person.mix.by == "email_or_name":
        name = f"firstname eq {_quoted(person.first)} and lastname eq {_quoted(person.last)}"
        found = api.first(table, f"{name} and statecode eq 0")
    if found is not None:
        api.send("PATCH", f"{table}s({found})", json=person.values(), headers={"If-Match": "*"})
    else:
        api.create(
            table, person.values() | _bound(accounts.id_of(api, person.company) if person.mix.has_accounts else "")
        )


def _bound(account: str) -> dict[str, str]:
    return {"parentcustomerid_account@odata.bind": f"/accounts({account})"} if account else {}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- Microsoft's client ----------------------------------------------------------------------------------------------


def microsoft(url: str, token: str, everybody: Sequence[Person]) -> None:
    from azure.core.credentials import AccessToken, TokenCredential  # the other rivals need none of it
    from PowerPlatform.Dataverse.client import DataverseClient

    class Credential(TokenCredential):
        @override
        def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
            return AccessToken(token, int(time.time()) + 3600)

    with DataverseClient(url, Credential()) as client:
        for start in range(0, len(everybody), _CHUNK):
            _Microsoft(client).sync(everybody[start : start + _CHUNK])


class _Microsoft:
    """One chunk: look-ups, then what is new and what differs."""

    def __init__(self, client: Any) -> None:
        self._records = client.records

    def sync(self, some: Sequence[Person]) -> None:
        mix = some[0].mix
        found = self._found(mix, some)
        new = [person for person in some if person not in found]
        accounts = self._accounts(new) if mix.has_accounts else {}
        self._send("create", mix.table, [each.values() | _bound(accounts.get(each.company, "")) for each in new])
        changes = {found[each][f"{mix.table}id"]: _differing(each, found[each]) for each in some if each in found}
        changed = {row_id: values for row_id, values in changes.items() if values}
        self._send("update", mix.table, list(changed), list(changed.values()))

    def _found(self, mix: Mix, some: Sequence[Person]) -> dict[Person, dict[str, Any]]:
        rows = self._rows(mix.table, "emailaddress1", [each.email for each in some if each.email])
        by_email = {str(row["emailaddress1"]).lower(): row for row in rows}
        found = {each: by_email[each.email.lower()] for each in some if each.email.lower() in by_email}
        if mix.by == "email":
            return found
        left = [each for each in some if each not in found]
        named = {
            _name(row["firstname"], row["lastname"]): row for row in self._rows(mix.table, "lastname", _lasts(left))
        }
        return found | {each: named[key] for each in left if (key := _name(each.first, each.last)) in named}

    def _rows(self, table: str, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
        from PowerPlatform.Dataverse.models.filters import col

        rows: list[dict[str, Any]] = []
        select = ["name"] if table == "account" else ["firstname", "lastname", "emailaddress1", "jobtitle"]
        select += ["companyname", "subject"] if table == "lead" else []
        for start in range(0, len(values), _LOOKED_UP):
            condition = col(column).in_(values[start : start + _LOOKED_UP])
            if table != "account":
                condition = condition & (col("statecode") == 0)
            rows += [dict(row) for row in self._send("list", table, select=select, filter=condition)]
        return rows

    def _accounts(self, new: Sequence[Person]) -> dict[str, str]:
        names = sorted({person.company for person in new})
        known = {str(row["name"]): str(row["accountid"]) for row in self._rows("account", "name", names)}
        missing = [name for name in names if name not in known]
        made = self._send("create", "account", [{"name": name} for name in missing])
        return known | dict(zip(missing, made or (), strict=True))

    def _send(self, method: str, table: str, *arguments: Any, **options: Any) -> Any:
        """Waits when it is told to, which the client leaves to its callers; sends nothing for nobody."""
        from PowerPlatform.Dataverse.core.errors import HttpError

        if arguments and not arguments[0]:
            return []
        while True:
            try:
                return getattr(self._records, method)(table, *arguments, **options)
            except HttpError as error:
                if error.status_code != httpx.codes.TOO_MANY_REQUESTS:
                    raise
                time.sleep(float(error.details.get("retry_after") or 1))


def _lasts(some: Iterable[Person]) -> list[str]:
    return [person.last for person in some]


def _name(first: object, last: object) -> str:
    return f"{first} {last}".lower()


def _differing(person: Person, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in person.values().items() if row.get(name) != value}


# --- The process -----------------------------------------------------------------------------------------------------

RIVALS: Final[dict[str, Callable[[str, str, Sequence[Person]], None]]] = {
    "one_by_one": one_by_one,
    "eight_at_once": eight_at_once,
    "microsoft": microsoft,
}


def main() -> None:
    """`RIVAL URL TOKEN MIX COUNT SALT`; says what it took as JSON."""
    rival, url, token, mix, count, salt = sys.argv[1:]
    everybody = people(MIXES[int(mix)], int(count), salt)
    began, cpu = time.perf_counter(), time.process_time()
    RIVALS[rival](url, token, everybody)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result = Result(time.perf_counter() - began, time.process_time() - cpu, peak)
    sys.stdout.write(json.dumps(dataclasses.asdict(result)))


if __name__ == "__main__":
    main()
