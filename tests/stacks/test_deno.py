import pytest

from devloop.stacks import deno
from devloop.stacks.base import ManifestError
from tests.stacks.snapshots import detect, one, package


def tasks(**named: object) -> dict[str, object]:
    return {"deno.json": {"tasks": named}}


@pytest.mark.parametrize(
    ("files", "run", "reload"),
    [
        ({"main.ts": ""}, ("deno", "run", "--allow-all", "main.ts"), "restart"),
        (tasks(dev="deno run -A --watch main.ts"), ("deno", "run", "-A", "main.ts"), "restart"),
        (tasks(dev="deno run -A x.ts | cat"), ("deno", "task", "dev"), "restart"),
        (tasks(start="vite --watch"), ("deno", "task", "start"), "none"),
        (tasks(start={"command": "deno serve x.ts"}), ("deno", "serve", "x.ts"), "restart"),
        (tasks(start="deno 'run"), ("deno", "task", "start"), "restart"),
        ({"deno.json": "broken"}, (), "restart"),
    ],
)
def test_what_is_run(files: dict[str, object], run: object, reload: str) -> None:
    found = one(files)
    assert (found.run, found.reload) == (run, reload)
    assert found.image == f"denoland/deno:{deno.VERSION}"


def test_package_json_is_denos_where_it_is_configured_unless_a_lock_says_otherwise() -> None:
    files: dict[str, object] = {"deno.json": "{}", "package.json": package(), "main.ts": ""}
    found = one(files)
    assert (found.name, found.keep) == ("deno", ("node_modules",))
    assert [item.name for item in detect({**files, "yarn.lock": ""})] == ["deno", "node"]
    assert [item.name for item in detect({"package.json": package(), "main.ts": ""})] == ["node"]


def test_comments_and_trailing_commas() -> None:
    text = b'{ // c\n "imports": {"a": "https://x/y", /* b\n */ },\n}'
    assert deno.fields("deno.jsonc", text, "") == {"imports": {"a": "https://x/y"}}
    with pytest.raises(ManifestError) as caught:
        deno.fields("deno.json", b"{ // c\n bad }", "")
    assert caught.value.line == 2


def test_a_lock_is_kept_to() -> None:
    assert one({"deno.json": "{}", "deno.lock": "{}"}).install == "deno install --frozen"
    assert one({"deno.json": '{"lock": false}', "deno.lock": "{}"}).install == "deno install"
    assert one({"main.ts": "", ".dvmrc": "2.1.4"}).image == "denoland/deno:2.1.4"
