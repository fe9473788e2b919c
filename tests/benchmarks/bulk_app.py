"""The app under a bulk benchmark: set up once, then on hosts of its own for each run."""

import argparse
import contextlib
import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from infra.local import story
from infra.local.stack import ROOT, Stack, host_process, stack
from tests.benchmarks.bulk_people import MIXES, Person
from tests.benchmarks.ordered_tables import ordered_tables

_IDLE: Final = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("capture", "deliver", "wake", "bulk")}
"""For the stack's own host, which would carry out what is measured elsewhere."""
_OVER_SECONDS: Final = 7200.0
_LOOKED_AFTER_SECONDS, _MANY, _MANY_LOOKED_AFTER_SECONDS = 0.2, 2000, 1.0
_PART: Final = 6 * 1024 * 1024


def add_tables_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", default="azurite", choices=["azurite", "ordered"], help="where the app keeps them")


@contextlib.contextmanager
def idle_stack(tables: str = "azurite") -> Iterator[Stack]:
    """The stack, whose own host carries out nothing; `tables` as the option says."""
    ours = ordered_tables() if tables == "ordered" else contextlib.nullcontext("")
    with ours as url, stack(port=0, settings=_IDLE, tables_url=url) as running:
        yield running


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
        with self.hosts(everybody[0]) as started:
            ids = [process.pid for process, _ in started]
            cpu, began = sum(map(_cpu_seconds, ids)), time.perf_counter()
            self.carry_out(started[0][1], everybody)
            return time.perf_counter() - began, sum(map(_cpu_seconds, ids)) - cpu, max(map(_peak_mb, ids))

    @contextlib.contextmanager
    def hosts(self, somebody: Person) -> Iterator[list[tuple[subprocess.Popen[str], str]]]:
        """Warm ones, with their processes, for as long as the block lasts."""
        with contextlib.ExitStack() as parts:
            log = parts.enter_context(Path(os.devnull).open("w"))
            settings = {**self._running.settings, **dict.fromkeys(_IDLE, "false")}
            started = [
                parts.enter_context(host_process(ROOT, port=0, key=self._running.key, settings=settings, log=log))
                for _ in range(self._hosts)
            ]
            for _, url in started:
                self._warm(url, somebody)
            yield started

    def _warm(self, url: str, person: Person) -> None:
        """Imports, tokens and connections; nothing is written."""
        action = f"bulk-{MIXES.index(person.mix)}"
        address = f"{url}/api/capture/{action}?test=1"
        httpx.post(address, json=person.capture(), headers=self._headers(), timeout=120).raise_for_status()
        httpx.get(f"{url}/api/v1/actions", headers=self._headers(), timeout=120).raise_for_status()

    def carry_out(self, url: str, everybody: Sequence[Person]) -> None:
        """A bulk action with them, until it is over, with the outcomes that were to be expected."""
        lines = "\n".join(json.dumps(person.capture()) for person in everybody).encode()
        deadline = time.monotonic() + _OVER_SECONDS
        between = _LOOKED_AFTER_SECONDS if len(everybody) <= _MANY else _MANY_LOOKED_AFTER_SECONDS
        with httpx.Client(base_url=f"{url}/api/", headers=self._headers(), timeout=120) as client:
            batch = _upload(client, f"bulk-{MIXES.index(everybody[0].mix)}", lines)
            while (seen := _progress(client, batch)).get("state") != "done":
                if time.monotonic() > deadline:
                    raise RuntimeError(f"It is not over: {seen}")
                time.sleep(between)
        outcomes = seen["outcomes"]
        wanted = {"created": sum(person.is_new for person in everybody)}
        wanted["updated"] = sum(person.share == "differs" for person in everybody)
        wanted["unchanged"] = len(everybody) - sum(wanted.values())
        if outcomes != wanted:
            raise RuntimeError(f"{outcomes}, not {wanted}")

    def _headers(self) -> dict[str, str]:
        return {"x-functions-key": self._running.key}


def _upload(client: httpx.Client, action: str, lines: bytes) -> str:
    """In one request, or, where that takes no more, in parts."""
    if len(lines) <= _PART:
        people_ = [json.loads(line) for line in lines.split(b"\n")]
        return str(_told(client.post("v1/bulk", json={"action": action, "prospects": people_}))["batch"])
    batch, parts = f"bench-{uuid.uuid4().hex}", [lines[at : at + _PART] for at in range(0, len(lines), _PART)]
    for number, part in enumerate(parts, start=1):
        _told(client.put(f"v1/bulk/{batch}/parts/{number}", content=part))
    _told(client.post(f"v1/bulk/{batch}", params={"action": action, "parts": len(parts)}))
    return batch


def _progress(client: httpx.Client, batch: str) -> dict[str, Any]:
    """Azurite goes through whole tables, and has no time to answer now and then."""
    answer = client.get(f"v1/bulk/{batch}")
    return {} if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else dict(_told(answer))


def _told(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise RuntimeError(answer.text)
    return answer.json()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
