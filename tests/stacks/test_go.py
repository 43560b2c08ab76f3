import pytest

from devloop.stacks.base import ManifestError
from devloop.stacks.go import mod as go_mod
from tests.stacks.snapshots import one

MAIN = "package main\nfunc main() {}\n"
GIN = "module m\ngo 1.24\nrequire (\n\tgithub.com/gin-gonic/gin v1.10.0 // indirect\n)\n"


@pytest.mark.parametrize(
    ("files", "run", "port", "install"),
    [
        ({"main.go": MAIN}, ("go", "run", "main.go"), None, ""),
        ({"go.mod": "module m", "main.go": MAIN}, ("go", "run", "."), None, "go mod download"),
        ({"go.mod": GIN, "main.go": MAIN}, ("go", "run", "."), 8080, "go mod download"),
        (
            {"go.mod": GIN, "cmd/x/main.go": MAIN + '":9000"'},
            ("go", "run", "./cmd/x"),
            9000,
            "go mod download",
        ),
        (
            {"go.mod": GIN, "cmd/a/main.go": MAIN, "cmd/server/main.go": MAIN},
            ("go", "run", "./cmd/server"),
            8080,
            "go mod download",
        ),
        (
            {"go.mod": "module m", "main.go": 'package main\nimport "net/http"'},
            ("go", "run", "."),
            8080,
            "go mod download",
        ),
        (
            {"go.mod": "module m", "vendor/modules.txt": "", "main.go": MAIN},
            ("go", "run", "."),
            None,
            "",
        ),
        ({"go.mod": "module m", "lib.go": "package lib"}, (), None, "go mod download"),
        (
            {"go.work": "use (\n\t./a\n)", "a/go.mod": "module a", "a/main.go": MAIN},
            ("go", "run", "./a"),
            None,
            "go mod download",
        ),
    ],
)
def test_what_is_run(files: dict[str, object], run: object, port: int | None, install: str) -> None:
    found = one(files)
    assert (found.run, found.port, found.install) == (run, port, install)
    assert found.stores == ("/opt/go/mod", "/opt/go/build")
    assert found.keep == ()


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"go.mod": "module m"}, "1.24"),
        ({"go.mod": "module m\ngo 1.20"}, "1.24"),
        ({"go.mod": "module m\ngo 1.26.1"}, "1.26"),
        ({"go.mod": "module m", ".go-version": "1.22.3"}, "1.22"),
        ({"go.mod": "module m", ".tool-versions": "golang 1.23.1"}, "1.23"),
        ({"go.work": "go 1.25\nuse ./a", "a/go.mod": "go 1.20"}, "1.25"),
    ],
)
def test_the_version(files: dict[str, object], version: str) -> None:
    assert one({"main.go": MAIN, **files}).image == f"golang:{version}"


def test_the_layout_of_a_go_mod_does_not_count() -> None:
    grouped = b'module m // c\n\ngo 1.24\nrequire (\n  "b" v2 // indirect\n  a v1\n)\nretract v0\n'
    single = b"go 1.24\nrequire a v1\nrequire b v2\nmodule other\n"
    assert go_mod.fields(grouped) == go_mod.fields(single)
    assert go_mod.fields(single) == {"go": ["1.24"], "require": ["a v1", "b v2"]}
    with pytest.raises(ManifestError):
        go_mod.fields(b"\xff")
    assert one({"go.mod": b"\xff", "main.go": MAIN}).name == "go"


def test_a_servers_image_has_go_own_library_compiled() -> None:
    served = one({"go.mod": GIN, "main.go": MAIN})
    assert served.prepare.startswith("go build net/http")
    assert one({"go.mod": "module m\ngo 1.24", "main.go": MAIN}).prepare == ""
