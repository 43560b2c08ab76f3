import pytest

from tests.stacks.snapshots import detect, one


@pytest.mark.parametrize(
    ("files", "root"),
    [
        ({"index.html": ""}, "/app"),
        ({"public/index.html": ""}, "/app/public"),
        ({"Staticfile": "root: ./site/\n"}, "/app/site"),
        ({"Staticfile": "root: ../x\n"}, "/app"),
        ({"Staticfile": "root: a; } evil\n"}, "/app"),
    ],
)
def test_the_folder_that_is_served(files: dict[str, object], root: str) -> None:
    found = one(files)
    assert f"listen 8080; root {root};" in found.prepare
    assert (found.name, found.port, found.reload, found.keep) == ("static", 8080, "none", ())


def test_beside_any_other_stack_it_is_none() -> None:
    assert [item.name for item in detect({"index.html": "", "main.py": ""})] == ["python"]
    assert detect({"README.md": ""}) == ()
