"""ASP.NET's route templates: what fits, what it holds, and who comes first."""

import pytest

from infra.local.functions_host.errors import HostError
from infra.local.functions_host.routes import Router, Template, decoded


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/a", "/api/a", {}),
        ("api/a", "/API/A/", {}),
        ("api/a", "/api/ab", None),
        ("", "/", {}),
        ("{id}", "/x", {"id": "x"}),
        ("{id}", "/x/y", None),
        ("{id}", "/", None),
        ("{id?}", "/", {}),
        ("a/{id?}", "/a", {}),
        ("a/{id?}", "/a/x", {"id": "x"}),
        ("a/{id=none}", "/a", {"id": "none"}),
        ("a/{*rest}", "/a", {}),
        ("a/{*rest}", "/a/b/c", {"rest": "b/c"}),
        ("a/{**rest}", "/a/b/c", {"rest": "b/c"}),
        ("a/{*rest}", "/ab", None),
        ("{name}.{kind}", "/photo.png", {"name": "photo", "kind": "png"}),
        ("{name}.{kind}", "/photo", None),
        ("a.b", "/a-b", None),
        ("{id:int}", "/007", {"id": "007"}),
        ("{id:int}", "/-7", {"id": "-7"}),
        ("{id:int}", "/7.5", None),
        ("{id:int}", "/2147483648", None),
        ("{id:long}", "/2147483648", {"id": "2147483648"}),
        ("{id:int?}", "/", {}),
        ("{id:int?}", "/x", None),
        ("{id:bool}", "/True", {"id": "True"}),
        ("{id:decimal}", "/7.5", {"id": "7.5"}),
        ("{id:guid}", "/11111111-1111-1111-1111-111111111111", {"id": "11111111-1111-1111-1111-111111111111"}),
        ("{id:guid}", "/1", None),
        ("{id:alpha:length(2,3)}", "/ab", {"id": "ab"}),
        ("{id:alpha:length(2,3)}", "/a1", None),
        ("{id:alpha:length(2,3)}", "/abcd", None),
        ("{id:min(5)}", "/4", None),
        ("{id:max(5)}", "/4", {"id": "4"}),
        ("{id:max(5)}", "/-4", {"id": "-4"}),
        ("{id:max(5)}", "/x", None),
        ("{id:range(2,5)}", "/5", {"id": "5"}),
        ("{id:range(2,5)}", "/6", None),
        ("{id:Int}", "/7", {"id": "7"}),
        ("{id:int}", "/٣", None),
        ("{id:float}", "/-.5", {"id": "-.5"}),
        ("{id:float}", "/nan", None),
        ("{id:float}", "/1_0", None),
        ("{id:guid}", "/{11111111111111111111111111111111}", {"id": "{11111111111111111111111111111111}"}),
        ("{id:length(3)}", "/abc", {"id": "abc"}),
        ("a/{*rest:int}", "/a/7", {"rest": "7"}),
        ("a/{*rest:int}", "/a/7/8", None),
        ("a/{*rest}", "/a/", {}),
        ("a/{*rest}", "/a/b/", {"rest": "b/"}),
    ],
)
def test_templates(template: str, path: str, values: dict[str, str] | None) -> None:
    """Letter case and a trailing slash do not matter; values stay as they came."""
    assert Template(template).match(path) == values


@pytest.mark.parametrize(
    "template", ["a/{id", "a/id}", "{a:zip}", "{id:regex(^a{2}$)}", "{id:min}", "{id:length(3,x)}", "{id:range(,4)}"]
)
def test_what_cannot_be_read_is_refused(template: str) -> None:
    """Rather than being taken for something else."""
    with pytest.raises(HostError):
        Template(template)


def test_the_most_literal_route_comes_first() -> None:
    """Whatever the order they were declared in; the method decides as well."""
    templates = ["{*rest}", "{a}/{b}", "{a}/{b:int}", "{a}/two", "one/{b}", "one/two"]
    router = Router([(template, ["GET"], template) for template in templates])
    paths = {"/one/two": "one/two", "/one/x": "one/{b}", "/x/two": "{a}/two", "/x/1": "{a}/{b:int}", "/x/y": "{a}/{b}"}
    assert {path: (router.find("GET", path) or ("nobody", {}))[0] for path in paths} == paths
    assert router.find("POST", "/one/two") is None


def test_an_encoded_slash_stays_in_its_segment() -> None:
    """Everything else is decoded before it is matched."""
    assert decoded("/a%2fb/c%20d/%C3%A9") == "/a%2Fb/c d/é"
