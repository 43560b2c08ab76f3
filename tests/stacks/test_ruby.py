import pytest

from tests.stacks.snapshots import one

ANY = "0.0.0.0"  # noqa: S104 - a command, not a socket
RAILS = "rm -f tmp/pids/server.pid; exec bin/rails server -b 0.0.0.0 -p 3000"


@pytest.mark.parametrize(
    ("files", "run", "port"),
    [
        ({"Gemfile": 'gem "rails"', "bin/rails": ""}, RAILS, 3000),
        (
            {"Gemfile": 'gem "sinatra"', "app.rb": ""},
            ("bundle", "exec", "ruby", "app.rb", "-o", ANY, "-p", "4567"),
            4567,
        ),
        (
            {"Gemfile": 'gem "rack"\ngem "rackup"', "config.ru": ""},
            ("bundle", "exec", "rackup", "-o", ANY, "-p", "9292"),
            9292,
        ),
        (
            {"Gemfile": 'gem "sinatra"\ngem "puma"', "config.ru": ""},
            ("bundle", "exec", "puma", "-b", "tcp://0.0.0.0:4567"),
            4567,
        ),
        (
            {"Gemfile": 'gem "puma"', "Gemfile.lock": "    rack (2.2.1)\n", "config.ru": ""},
            ("bundle", "exec", "rackup", "-o", ANY, "-p", "9292"),
            9292,
        ),
        (
            {"gems.rb": "", "server.rb": "port = 8000"},
            ("bundle", "exec", "ruby", "server.rb"),
            8000,
        ),
        ({"Gemfile": "", "Procfile": "web: x\n"}, "x", None),
        ({"Gemfile": ""}, (), None),
    ],
)
def test_what_is_run(files: dict[str, object], run: object, port: int | None) -> None:
    found = one(files)
    assert (found.run, found.port, found.install) == (run, port, "bundle install")
    assert found.stores == ("/opt/gems",)


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({}, "ruby:3.3-slim"),
        ({".ruby-version": "ruby-3.2.1\n"}, "ruby:3.2-slim"),
        ({".tool-versions": "ruby 3.1.4"}, "ruby:3.1-slim"),
        ({"Gemfile": 'ruby "~> 3.4"'}, "ruby:3.4-slim"),
        ({"Gemfile": 'ruby ">= 3.1", "< 3.3"'}, "ruby:3.2-slim"),
        ({"Gemfile.lock": "RUBY VERSION\n   ruby 3.0.2p107\n"}, "ruby:3.0-slim"),
        ({"Gemfile": 'gem "pg"'}, "ruby:3.3"),
        ({"Gemfile": 'gem "x", github: "a/b"'}, "ruby:3.3"),
        ({"Gemfile": '# gem "pg"'}, "ruby:3.3-slim"),
    ],
)
def test_the_image(files: dict[str, object], image: str) -> None:
    assert one({"Gemfile": "", **files}).image == image


def test_gems_of_the_project_need_its_source() -> None:
    assert one({"Gemfile": 'gem "a", path: "x"'}).needs_source
    assert one({"Gemfile": "gemspec\n", "a.gemspec": ""}).needs_source
    assert not one({"Gemfile": 'gem "a"'}).needs_source


def test_with_node_beside_it_ruby_leads_and_node_only_builds() -> None:
    from tests.stacks.snapshots import detect, package  # noqa: PLC0415

    ruby = {"Gemfile": 'gem "rails"', "bin/rails": ""}
    build = {"package.json": package(scripts={"build": "esbuild x"})}
    assert [item.name for item in detect({**ruby, **build})] == ["ruby", "node"]
    assert [item.name for item in detect({**ruby, "package.json": package()})] == ["ruby"]
