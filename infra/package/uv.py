"""Where uv is: in an environment of its own below `.venv/`, made when it is missing."""

from pathlib import Path

from infra.local.environment import ensure


def uv() -> Path:
    """Raises InstallationError."""
    return ensure("package", Path(__file__).with_name("requirements.txt")).with_name("uv")
