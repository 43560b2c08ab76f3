"""What a project that was cloned may have put in the place of our own folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devloop.errors import HostError, UserError
from devloop.project.lock import ProjectLock, make_state_folder, write_state


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def test_a_folder_of_ours_with_an_ignore_file_of_its_own(root: Path) -> None:
    for _ in range(2):
        make_state_folder(str(root / ".devloop"))
    write_state(str(root / ".devloop"), "Dockerfile", "FROM a\n")
    write_state(str(root / ".devloop"), "Dockerfile", "FROM b\n")
    assert sorted(os.listdir(root / ".devloop")) == [".gitignore", "Dockerfile"]
    assert (root / ".devloop" / ".gitignore").read_text() == "*\n"
    assert (root / ".devloop" / "Dockerfile").read_text() == "FROM b\n"


def test_a_link_to_a_folder_outside_is_refused(root: Path) -> None:
    (root.parent / "outside").mkdir()
    (root / ".devloop").symlink_to("../outside")
    with pytest.raises(UserError, match="is a link to"), ProjectLock(str(root)):
        pass
    assert os.listdir(root.parent / "outside") == []


@pytest.mark.parametrize("name", ["Dockerfile", ".gitignore"])
def test_a_link_in_the_place_of_a_file_is_refused(root: Path, name: str) -> None:
    folder = root / ".devloop"
    folder.mkdir()
    (folder / name).symlink_to("../../victim")
    with pytest.raises(UserError, match="is a link to"):
        write_state(str(folder), name, "evil")
    assert (root.parent / "victim").read_text() == "precious"


def test_a_link_that_leads_nowhere_makes_nothing(root: Path) -> None:
    (root / ".devloop").mkdir()
    (root / ".devloop" / ".gitignore").symlink_to("../../new")
    make_state_folder(str(root / ".devloop"))
    assert not (root.parent / "new").exists()


def test_a_file_in_the_place_of_the_folder(root: Path) -> None:
    (root / ".devloop").write_text("")
    with pytest.raises(UserError, match="is no folder"):
        make_state_folder(str(root / ".devloop"))


def test_a_folder_that_cannot_be_written(root: Path) -> None:
    with pytest.raises(HostError, match="cannot be written"):
        make_state_folder("/proc/nowhere/.devloop")
    with pytest.raises(HostError, match="cannot be written"):
        write_state(str(root / "nowhere"), "Dockerfile", "")
