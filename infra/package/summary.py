"""What is in the package, in a few lines for a person."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from infra.package.target import SITE_PACKAGES

_SHOWN = 8
_MB = 1_000_000


def summary(stage: Path) -> str:
    """Our files, the packages by size, and what they come to."""
    sizes = {path.relative_to(stage): path.stat().st_size for path in stage.rglob("*") if path.is_file()}
    parts: Counter[str] = Counter()
    for path, size in sizes.items():
        parts[_part(path)] += size
    site = stage / SITE_PACKAGES
    packages = len(list(site.glob("*.dist-info")))
    lines = [
        *_lines(parts),
        f"{'together':<28}{sum(sizes.values()) / _MB:7.1f} MB  {len(sizes)} files, {packages} packages",
    ]
    return "\n".join(lines)


def _lines(parts: Counter[str]) -> Iterator[str]:
    shown = parts.most_common(_SHOWN)
    for name, size in shown:
        yield f"{name:<28}{size / _MB:7.1f} MB"
    rest = sum(parts.values()) - sum(size for _, size in shown)
    yield f"{f'{len(parts) - len(shown)} smaller ones':<28}{rest / _MB:7.1f} MB"


def _part(path: Path) -> str:
    """Ours, or the package that the file belongs to."""
    try:
        inside = path.relative_to(SITE_PACKAGES)
    except ValueError:
        return "ours: core, function_app.py"
    return inside.parts[0].partition(".")[0].partition("-")[0]
