"""Bulk sync beside what others do: `python -m tests.benchmarks.bulk_sync [--counts 1000 10000] [--limits]`.

The same people for the app and for each of `bulk_rivals`, the same simulated Dynamics where each request takes 40 ms,
each row 4 ms and each row of a bulk message 1 ms; everybody in a process of their own. After each run Dynamics has to
hold exactly what was expected, or the benchmark fails. With `--limits` the service protection limits hold, scaled down
tenfold. Run on request; the numbers of one run are comparable with each other only.
"""

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from infra.local import story
from infra.local.dynamics import CLIENT_ID, Dynamics, dynamics
from infra.local.stack import ROOT, Stack, host_process, stack
from tests.benchmarks.bulk_people import MIXES, Mix, Person, accounts_before, expected, people, rows_before, shown

LATENCY: Final = {"request_ms": 40, "row_ms": 4, "bulk_row_ms": 1}
TENTH: Final = {"requests": 600, "execution_seconds": 120, "concurrent": 52, "window_seconds": 300}
OURS: Final = "captello sync"
RIVALS: Final = ("one_by_one", "eight_at_once", "microsoft")
ONE_BY_ONE_MOST: Final = 1000  # more takes an hour and tells nothing new
_API: Final = "/api/data/v9.2/"
_IDLE: Final = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("capture", "deliver", "wake", "bulk")}
_OVER_SECONDS: Final = 7200.0
_salts = (f"r{os.getpid()}x{number}" for number in itertools.count(1))


@dataclass(frozen=True, slots=True)
class Measured:
    who: str
    people: int
    seconds: float
    requests: int
    busy_seconds: float
    cpu_seconds: float
    peak_mb: float
    in_flight: int
    refusals: int


# --- The simulated Dynamics, before and after ------------------------------------------------------------------------


class Crm:
    """Filled, ordered and looked at from outside."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        headers = {"Authorization": f"Bearer {token}"}
        self._api = httpx.Client(base_url=url + _API, headers=headers, timeout=120)
        self._control = httpx.Client(base_url=f"{url}/_control/", timeout=120)

    def fill(self, everybody: Sequence[Person]) -> None:
        """With no latency; the clock shall not tell who is oldest."""
        mix = everybody[0].mix
        accounts = dict.fromkeys(accounts_before(everybody) if mix.has_accounts else ())
        ids = self._create("account", [{"name": name} for name in accounts])
        known = dict(zip(accounts, ids, strict=True))
        rows = [values | _bound(known.get(person.company)) for person, values in rows_before(everybody)]
        self._create(mix.table, rows)

    def order(self, path: str, order: dict[str, Any] | None) -> None:
        answer = self._control.post(path, json=order) if order is not None else self._control.delete(path)
        answer.raise_for_status()

    def counted(self) -> tuple[int, dict[str, Any]]:
        told: dict[str, Any] = self._control.get("limits").json()
        counters = self._control.get("requests", params={"since": "999999999"}).json()["counters"]
        return int(counters.get("requests", 0)), told

    def holds(self, mix: Mix, salt: str) -> list[str]:
        """Every row of this run as one text."""
        columns = ["firstname", "lastname", "emailaddress1", "jobtitle"]
        columns += ["_parentcustomerid_value"] if mix.has_accounts else ["companyname", "subject"]
        names = (
            {row["accountid"]: row["name"] for row in self._all("accounts?$select=name")} if mix.has_accounts else {}
        )
        wanted = f"{mix.table}s?$select={','.join(columns)}&$filter=firstname eq 'Ada {salt}'"
        return sorted(shown(row, names.get(row.get("_parentcustomerid_value"), "")) for row in self._all(wanted))

    def accounts(self, salt: str) -> list[str]:
        """Each by its name; twice where there are two."""
        return sorted(
            row["name"] for row in self._all(f"accounts?$select=name&$filter=contains(name,'Engines {salt} ')")
        )

    def _all(self, path: str) -> Iterator[dict[str, Any]]:
        link = path
        while link:
            page = self._api.get(link).raise_for_status().json()
            yield from page["value"]
            link = page.get("@odata.nextLink", "")

    def _create(self, table: str, rows: Sequence[dict[str, Any]]) -> list[str]:
        ids: list[str] = []
        for start in range(0, len(rows), 1000):
            targets = [{"@odata.type": f"Microsoft.Dynamics.CRM.{table}", **row} for row in rows[start : start + 1000]]
            answer = self._api.post(f"{table}s/Microsoft.Dynamics.CRM.CreateMultiple", json={"Targets": targets})
            ids += answer.raise_for_status().json()["Ids"]
        return ids


def _bound(account: str | None) -> dict[str, str]:
    return {"parentcustomerid_account@odata.bind": f"/accounts({account})"} if account else {}


# --- One run ---------------------------------------------------------------------------------------------------------

Work = Callable[[Sequence[Person]], tuple[float, float, float]]
"""Syncs them; seconds, CPU seconds of its process, its peak memory in MB."""


def measure(who: str, crm: Crm, mix: Mix, count: int, limits: dict[str, Any] | None, work: Work) -> Measured:
    everybody = people(mix, count, next(_salts))
    crm.order("latency", {})
    crm.order("limits", None)
    crm.fill(everybody)
    crm.order("latency", LATENCY)
    crm.order("limits", limits)
    before, _ = crm.counted()
    seconds, cpu, peak = work(everybody)
    after, told = crm.counted()
    crm.order("latency", {})
    crm.order("limits", None)
    _check(crm, mix, everybody)
    refusals = sum(told["refusals"].values())
    return Measured(
        who, count, seconds, after - before, told["busy_seconds"], cpu, peak, told["in_flight_most"], refusals
    )


def _check(crm: Crm, mix: Mix, everybody: Sequence[Person]) -> None:
    held, wanted = crm.holds(mix, everybody[0].salt), expected(everybody)
    if held != wanted:
        wrong = sorted(set(held) ^ set(wanted))[:5]
        raise RuntimeError(f"{len(held)} rows, not {len(wanted)}, or others: {wrong}")
    companies = crm.accounts(everybody[0].salt)
    if mix.has_accounts and companies != sorted({person.company for person in everybody}):
        raise RuntimeError(f"{len(companies)} accounts, {len(set(companies))} names")


def _rival(name: str, crm: Crm, mix: Mix, certificate: str = "") -> Work:
    def work(everybody: Sequence[Person]) -> tuple[float, float, float]:
        command = [sys.executable, "-m", "tests.benchmarks.bulk_rivals", name, crm.url, crm.token]
        command += [str(MIXES.index(mix)), str(len(everybody)), everybody[0].salt]
        env = {**os.environ, **({"REQUESTS_CA_BUNDLE": certificate} if certificate else {})}
        done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        return told["seconds"], told["cpu_seconds"], told["peak_mb"]

    return work


class App:
    """The app on hosts of their own, which carry out nothing but what is measured."""

    def __init__(self, running: Stack, hosts: int) -> None:
        self._running = running
        self._hosts = hosts

    def set_up(self) -> None:
        story.set_up(self._running, lambda _: None, story.BOOTH)
        for number, mix in enumerate(MIXES):
            self._put(f"connections/{story.CONNECTION}/mappings/{mix.table}", {"rows": mix.columns})
            if mix.has_accounts:
                rows = [{"source": "Company", "column": "name"}]
                self._put(f"connections/{story.CONNECTION}/mappings/account", {"rows": rows})
            self._put(f"actions/bulk-{number}", mix.action(story.CONNECTION))

    def _put(self, path: str, body: dict[str, Any]) -> None:
        headers = {"x-functions-key": self._running.key, "if-match": "*"}
        url = f"{self._running.app}/api/v1/{path}"
        answer = httpx.put(url, json=body, headers=headers, timeout=60)
        if answer.status_code == httpx.codes.PRECONDITION_FAILED:  # there is none yet
            answer = httpx.put(url, json=body, headers={"x-functions-key": self._running.key}, timeout=60)
        if answer.is_error:
            raise RuntimeError(answer.text)

    def sync(self, everybody: Sequence[Person]) -> tuple[float, float, float]:
        """From the upload until the batch is over. The hosts are warm: a capture has gone through each."""
        with contextlib.ExitStack() as parts:
            log = parts.enter_context(Path(os.devnull).open("w"))
            settings = {**self._running.settings, **_on()}
            started = [
                parts.enter_context(host_process(ROOT, port=0, key=self._running.key, settings=settings, log=log))
                for _ in range(self._hosts)
            ]
            ids, url = [process.pid for process, _ in started], started[0][1]
            with httpx.Client(base_url=f"{url}/api/", headers=self._headers(), timeout=120) as client:
                client.get("v1/actions").raise_for_status()
                cpu, began = sum(map(_cpu_seconds, ids)), time.perf_counter()
                self._run(client, everybody)
                return time.perf_counter() - began, sum(map(_cpu_seconds, ids)) - cpu, max(map(_peak_mb, ids))

    def _run(self, client: httpx.Client, everybody: Sequence[Person]) -> None:
        lines = "\n".join(json.dumps(person.capture()) for person in everybody).encode()
        batch = _upload(client, f"bulk-{MIXES.index(everybody[0].mix)}", lines)
        deadline = time.monotonic() + _OVER_SECONDS
        while (seen := client.get(f"v1/bulk/{batch}").raise_for_status().json())["state"] != "done":
            if time.monotonic() > deadline:
                raise RuntimeError(f"It is not over: {seen}")
            time.sleep(0.2)
        outcomes = seen["outcomes"]
        wanted = {"created": sum(person.is_new for person in everybody)}
        wanted["updated"] = sum(person.share == "differs" for person in everybody)
        wanted["unchanged"] = len(everybody) - sum(wanted.values())
        if outcomes != wanted:
            raise RuntimeError(f"{outcomes}, not {wanted}")

    def _headers(self) -> dict[str, str]:
        return {"x-functions-key": self._running.key}


def _on() -> dict[str, str]:
    return dict.fromkeys(_IDLE, "false")


def _upload(client: httpx.Client, action: str, lines: bytes) -> str:
    people_ = [json.loads(line) for line in lines.split(b"\n")]
    answer = client.post("v1/bulk", json={"action": action, "prospects": people_})
    if answer.is_error:
        raise RuntimeError(answer.text)
    return str(answer.json()["batch"])


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


# --- The comparison --------------------------------------------------------------------------------------------------


def main() -> None:
    arguments = _arguments()
    limits = TENTH if arguments.limits else None
    with contextlib.ExitStack() as parts:
        running = parts.enter_context(stack(port=0, settings=_IDLE))
        ours, app = Crm(running.dynamics.url, running.dynamics_token), App(running, arguments.hosts)
        app.set_up()
        os.environ["SSL_CERT_FILE"] = str(running.certificates.bundle)
        secure = Crm(parts.enter_context(_for_microsoft(running)).url, "anybody")
        for mix in (MIXES[number] for number in arguments.mixes):
            for count in arguments.counts:
                print(f"\n{mix.name}, {count:,} prospects{', limits a tenth' if limits else ''}")
                _compare(mix, count, limits, arguments.who, ours, secure, app, str(running.certificates.authority))


def _compare(
    mix: Mix,
    count: int,
    limits: dict[str, Any] | None,
    wanted: Sequence[str],
    crm: Crm,
    secure: Crm,
    app: App,
    certificate: str,
) -> None:
    print(
        f"{'':<16}{'a second':>10}{'ratio':>8}{'seconds':>9}{'requests/1,000':>16}{'busy s':>9}{'own CPU ms':>12}"
        f"{'peak MB':>9}{'in flight':>11}{'429s':>6}"
    )
    first = 0.0
    for who in wanted:
        if who == "one_by_one" and count > ONE_BY_ONE_MOST:
            continue
        if who == OURS:
            measured = measure(who, crm, mix, count, limits, app.sync)
        elif who == "microsoft":
            measured = measure(who, secure, mix, count, limits, _rival(who, secure, mix, certificate))
        else:
            measured = measure(who, crm, mix, count, limits, _rival(who, crm, mix))
        rate = measured.people / measured.seconds
        first = first or rate
        print(
            f"{who:<16}{rate:>10.1f}{rate / first:>8.1f}{measured.seconds:>9.1f}"
            f"{measured.requests / count * 1000:>16.1f}{measured.busy_seconds:>9.1f}"
            f"{measured.cpu_seconds / count * 1000:>12.2f}{measured.peak_mb:>9.0f}{measured.in_flight:>11}"
            f"{measured.refusals:>6}",
            flush=True,
        )


def _for_microsoft(running: Stack) -> contextlib.AbstractContextManager[Dynamics]:
    """Its client insists on https."""
    return dynamics(lambda _token, _audience: {"appid": CLIENT_ID}, certificate=running.certificates.server)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bulk_sync")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000], metavar="N")
    parser.add_argument("--mixes", type=int, nargs="+", default=[0, 1], choices=[0, 1])
    parser.add_argument("--who", nargs="+", default=[*RIVALS, OURS], choices=[*RIVALS, OURS])
    parser.add_argument("--hosts", type=int, default=1, help="of the app")
    parser.add_argument("--limits", action="store_true", help="service protection limits, a tenth of Dynamics'")
    return parser.parse_args()


if __name__ == "__main__":
    main()
