import pytest

from devloop.stacks import paths

FOLDERS = ("a", "packages/a", "packages/b", "packages/b/deep", "apps/web", "x/packages/a")


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["packages/*"], ["packages/a", "packages/b"]),
        (["packages/**"], ["packages/a", "packages/b", "packages/b/deep"]),
        (["./packages/a/"], ["packages/a"]),
        (["{packages,apps}/*"], ["apps/web", "packages/a", "packages/b"]),
        (["packages/*", "!packages/b"], ["packages/a"]),
        (["**/a"], ["a", "packages/a", "x/packages/a"]),
        (["**"], sorted(FOLDERS)),
        (["*"], ["a"]),
        (["packages/[!a]"], ["packages/b"]),
        (["nothing", ""], []),
        (["{a,b}" * 12], []),
        (["*" * 200 + "!"], []),
    ],
)
def test_workspace_patterns(patterns: list[str], found: list[str]) -> None:
    assert list(paths.matching(patterns, FOLDERS)) == found


@pytest.mark.parametrize(
    ("folder", "path", "joined"),
    [
        ("", "a.txt", "a.txt"),
        ("r", "../a.txt", "a.txt"),
        ("r", "./b/../a.txt", "r/a.txt"),
        ("", "..", None),
        ("", "../../etc/passwd", None),
        ("r", "/etc/passwd", None),
        ("", "", "."),
    ],
)
def test_joining_never_leaves_the_project(folder: str, path: str, joined: str | None) -> None:
    assert paths.join(folder, path) == joined


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("a b/ü$(x)'\"[1].txt", True),
        ("a\nRUN x", False),
        ("a\\b", False),
        ("a\x85b", False),
        ("a\u2028b", False),
        ("a\udcffb", False),
        ("a\x7f", False),
    ],
)
def test_paths_that_no_dockerfile_can_name(path: str, safe: bool) -> None:
    assert paths.is_safe(path) is safe
