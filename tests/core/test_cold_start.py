"""What the first invocation needs is there before it comes, and indexing does not wait for it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WANTED = {"core.triggers.capture", "azure.identity.aio", "azure.keyvault.secrets.aio", "aiohttp", "httpx"}
TOLD = f"""
import asyncio, json, sys
async def main():
    import function_app
    at_once = [n for n in {sorted(WANTED)!r} if n in sys.modules]
    await function_app.start.ready()
    bootstrap = sys.modules["core.bootstrap"]
    later = [n for n in {sorted(WANTED)!r} if n in sys.modules]
    print(json.dumps([at_once, later, bootstrap._services is not None]))
asyncio.run(main())
"""
LOOKED_AT = f"""
import asyncio, json, sys, threading
import function_app
asyncio.run(function_app.start.ready())
print(json.dumps([[n for n in {sorted(WANTED)!r} if n in sys.modules], threading.active_count()]))
"""
SETTINGS = {
    "KEY_VAULT_URL": "https://vault.example",
    "AzureWebJobsStorage__accountName": "stexample",
    "AzureWebJobsStorage__credential": "managedidentity",
}


def told(program: str, settings: dict[str, str]) -> Any:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AzureWebJobs")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=kept | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("settings", [SETTINGS, {}], ids=["settings", "no settings"])
def test_imports_begin_after_indexing(settings: dict[str, str]) -> None:
    """A worker indexes before anything of ours is imported; bad settings are the invocation's affair."""
    at_once, later, are_made = told(TOLD, settings)
    assert at_once == []
    assert set(later) == WANTED
    assert are_made == bool(settings)


def test_who_only_looks_at_the_app_imports_nothing() -> None:
    """Without a worker's loop nothing begins, and nobody waits."""
    assert told(LOOKED_AT, SETTINGS) == [[], 1]
