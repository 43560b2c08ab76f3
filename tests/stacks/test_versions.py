import pytest

from devloop.stacks.versions import NODE, PYTHON, choose


@pytest.mark.parametrize(
    ("spec", "release"),
    [
        ("22", "22"),
        ("v20.11.1", "20"),
        ("20.x", "20"),
        ("^18.2.0", "18"),
        ("~20.3", "20"),
        ("~20", "20"),
        (">=18", "22"),
        (">=18.0.0 <20", "18"),
        (">=24", "24"),
        (">22", "24"),
        (">20 <=24", "22"),
        ("<=20", "20"),
        ("<22.5", "20"),
        ("=24", "24"),
        ("16 || 18", "18"),
        ("18 - 20", "20"),
        ("*", "22"),
        ("", "22"),
        ("x", "22"),
        ("!=22", "24"),
        ("!=22.3.0", "22"),
        ("99", "22"),
        ("latest-ish", "22"),
        (">=18 nonsense", "22"),
        ("$(reboot)", "22"),
        ("2" * 300, "22"),
    ],
)
def test_the_release_of_node_that_a_range_allows(spec: str, release: str) -> None:
    assert choose(NODE, [spec]) == release


@pytest.mark.parametrize(
    ("spec", "release"),
    [
        ("3.12", "3.12"),
        ("3.12.3", "3.12"),
        ("==3.11.*", "3.11"),
        ("===3.11", "3.11"),
        (">=3.10", "3.13"),
        (">=3.10,<3.12", "3.11"),
        ("<=3.12", "3.11"),  # 3.12.1 is above 3.12
        ("<=3.12.99", "3.12"),
        (">3.13", "3.13"),  # 3.13.1 is above 3.13
        (">=3.14", "3.14"),
        ("~=3.10", "3.13"),
        ("~=3.11.4", "3.11"),
        ("~3.11", "3.11"),
        ("^3.10", "3.13"),
        ("^3.14", "3.14"),
        (">=3.9,!=3.13.*", "3.14"),
        (">=3.9,!=3.13.1", "3.13"),
        ("3", "3.13"),
        ("2.7", "3.13"),
        ("pypy3.9", "3.13"),
    ],
)
def test_the_release_of_python_that_a_range_allows(spec: str, release: str) -> None:
    assert choose(PYTHON, [spec]) == release


def test_the_first_spec_that_can_be_met_decides() -> None:
    assert choose(NODE, ["some_nonsense", "20", "18"]) == "20"
    assert choose(NODE, []) == "22"
