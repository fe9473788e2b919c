"""YAML as configuration needs it: plain data, and nothing that surprises.

Read as YAML 1.2 does: `no` and `on` are words (NO is a country), `12:30` and dates are texts. No references within a
document: a few lines of them can stand for gigabytes. PyYAML is imported when somebody exports or imports, and takes
some 40 microseconds for each value: so only so many are read, and not on the event loop.
"""

import re
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    import yaml

TEXT_MOST = 1024 * 1024  # bytes
VALUES_MOST = 50_000
_TAG = "tag:yaml.org,2002:"
# Whatever else looks like one of these is a text; what is written plain is read in the same way.
_PLAIN = {
    "bool": (re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    "int": (re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), "-+0123456789"),
    "float": (re.compile(r"^[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?$"), "-+0123456789"),
}
_BREAKS = re.compile("[\\x85\\u2028\\u2029]")  # line breaks, which only stand as they are within double quotes
_READ_OTHERWISE = {_TAG + name for name in (*_PLAIN, "timestamp", "merge", "value")}


class UnreadableYamlError(ValueError):
    """What is wrong, and where."""


def written(document: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415  # see above

    return yaml.dump(document, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=120)


def read(text: str, *, most: int = VALUES_MOST) -> Any:
    """What the text holds; raises UnreadableYamlError."""
    import yaml  # noqa: PLC0415  # see above

    try:
        return yaml.load(text, Loader=_loader(most))  # noqa: S506  # a SafeLoader that reads less than it could
    except yaml.YAMLError as error:
        raise UnreadableYamlError(" ".join(str(error).split())) from error
    except (RecursionError, ValueError) as error:
        raise UnreadableYamlError("It is nested too deeply, or holds a number that cannot be read.") from error


def _dumper() -> type["yaml.SafeDumper"]:
    import yaml  # noqa: PLC0415  # see above

    class PlainDumper(yaml.SafeDumper):
        @override
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: "yaml.SafeDumper", said: str) -> "yaml.ScalarNode":
        return dumper.represent_scalar(f"{_TAG}str", said, style='"' if _BREAKS.search(said) else None)

    PlainDumper.add_representer(str, text)
    return PlainDumper


def _loader(most: int) -> type["yaml.SafeLoader"]:
    import yaml  # noqa: PLC0415  # see above

    class PlainLoader(yaml.SafeLoader):
        values = 0

        @override
        def compose_node(self, parent: Any, index: Any) -> Any:
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            self.values += 1
            if self.values > most:
                problem = f"more than {most:,} values are read from JSON only"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
            named = "references (*name)" if isinstance(event, yaml.AliasEvent) else "types (!!name)"
            if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
                raise yaml.MarkedYAMLError(problem=f"{named} are not read", problem_mark=event.start_mark)
            return super().compose_node(parent, index)

    PlainLoader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _READ_OTHERWISE]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for name, (pattern, first) in _PLAIN.items():
        PlainLoader.add_implicit_resolver(_TAG + name, pattern, list(first))
    return PlainLoader
