import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from devloop.errors import HostError, UserError
from devloop.scaffold import write as module
from devloop.scaffold.plan import FilePlan
from devloop.scaffold.write import read_existing, read_templates, write

ROOT = Path(__file__).parents[2]


def file(
    action: Literal["create", "overwrite", "keep", "same"] = "create", path: str = "Dockerfile"
) -> FilePlan:
    return FilePlan(path, action, "FROM x\n")


def test_files_are_created_readable_by_all(tmp_path: Path) -> None:
    write(tmp_path, [file(), file(path=".dockerignore")])
    assert (tmp_path / "Dockerfile").read_text() == "FROM x\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".dockerignore", "Dockerfile"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "Dockerfile").stat().st_mode) == 0o666 & ~umask


def test_what_is_kept_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("mine")
    write(tmp_path, [file("keep"), file("same", ".dockerignore")])
    assert (tmp_path / "Dockerfile").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_overwriting_keeps_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("mine")
    path.chmod(0o640)
    write(tmp_path, [file("overwrite")])
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("FROM x\n", 0o640)


def test_a_file_that_appeared_in_the_meantime_is_kept(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("mine")
    with pytest.raises(UserError, match="appeared"):
        write(tmp_path, [file("create")])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_without_hard_links_a_file_is_created_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(module.os, "link", refuse)
    write(tmp_path, [file()])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["FROM x\n"]


@pytest.mark.parametrize("target", ["outside/Dockerfile", "outside/gone"])
def test_a_link_out_of_the_project_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "Dockerfile").write_text("theirs")
    project = tmp_path / "project"
    project.mkdir()
    (project / "Dockerfile").symlink_to(tmp_path / target)
    assert read_existing(project).keys() == {"Dockerfile"}
    with pytest.raises(UserError, match="link out of the project"):
        write(project, [file("overwrite")])
    assert (tmp_path / "outside" / "Dockerfile").read_text() == "theirs"
    assert not (tmp_path / "outside" / "gone").exists()


def test_a_link_inside_the_project_stays_one(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "dev").write_text("mine")
    (tmp_path / "Dockerfile").symlink_to("docker/dev")
    write(tmp_path, [file("overwrite")])
    assert (tmp_path / "Dockerfile").is_symlink()
    assert (tmp_path / "docker" / "dev").read_text() == "FROM x\n"


def test_a_project_that_is_itself_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", [file()])
    assert (tmp_path / "real" / "Dockerfile").exists()


def test_a_folder_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").mkdir()
    assert read_existing(tmp_path) == {"Dockerfile": b""}
    with pytest.raises(UserError, match="is a folder"):
        write(tmp_path, [file("overwrite")])


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").symlink_to("gone/Dockerfile")
    with pytest.raises(HostError, match=r"Dockerfile could not be written: No such file"):
        write(tmp_path, [file("overwrite")])


def test_what_is_there_is_read(tmp_path: Path) -> None:
    (tmp_path / "devloop.yaml").write_bytes(b"\xff")
    (tmp_path / "other").write_text("")
    assert read_existing(tmp_path) == {"devloop.yaml": b"\xff"}


def test_templates_come_from_the_checkout() -> None:
    assert {"node.Dockerfile.j2", "dockerignore.j2"} <= read_templates().keys()


def test_an_installation_without_templates_says_so(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="templates are missing"):
        read_templates([tmp_path, tmp_path / "gone"])


def test_templates_come_with_the_wheel(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    options = ["--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run([*pip, "wheel", *options], check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True, timeout=300
    )
    code = "from devloop.scaffold import write as w; print(w.__file__, *sorted(w.read_templates()))"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    place, *names = shown.stdout.split()
    assert place.startswith(str(site))
    assert names == sorted(read_templates())
