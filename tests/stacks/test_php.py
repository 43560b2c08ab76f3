import pytest

from devloop.stacks.php import extensions as php_extensions
from tests.stacks.snapshots import one

SERVE = ("php", "-S", "0.0.0.0:8000")


@pytest.mark.parametrize(
    ("files", "run", "manager", "framework"),
    [
        ({"index.php": ""}, SERVE, "", ""),
        ({"public/index.php": "", "composer.json": {}}, (*SERVE, "-t", "public"), "composer", ""),
        (
            {"composer.json": {"require": {"laravel/framework": "^12"}}, "artisan": ""},
            ("php", "artisan", "serve", "--host=0.0.0.0", "--port=8000"),
            "composer",
            "laravel",
        ),
        (
            {
                "composer.json": {"require": {"symfony/framework-bundle": "7"}},
                "public/index.php": "",
            },
            (*SERVE, "-t", "public"),
            "composer",
            "symfony",
        ),
        ({"composer.json": "broken {"}, (), "composer", ""),
    ],
)
def test_what_is_run(files: dict[str, object], run: object, manager: str, framework: str) -> None:
    found = one(files)
    assert (found.run, found.manager, found.framework) == (run, manager, framework)
    assert found.reload == "none"
    assert found.keep == (("vendor",) if manager else ())


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, "8.4"),
        ({".php-version": "8.2.1"}, "8.2"),
        ({"composer.json": {"config": {"platform": {"php": "8.1.0"}}}}, "8.1"),
        ({"composer.json": {"require": {"php": "^8.1"}}}, "8.4"),
        ({"composer.json": {"require": {"php": "~8.1.0|~8.2.0"}}}, "8.2"),
        ({"composer.json": {"require": {"php": "^7.4"}}}, "7.4"),
    ],
)
def test_the_version(files: dict[str, object], version: str) -> None:
    assert one({"index.php": "", **files}).image == f"php:{version}-cli"


def test_extensions_come_with_what_they_are_compiled_with() -> None:
    assert php_extensions.lines(["zip", "json", "redis"]) == (
        ("libzip-dev",),
        "docker-php-ext-install zip && pecl install redis && docker-php-ext-enable redis",
    )
    assert php_extensions.lines([]) == ((), "")
    lock = {"packages": [{"require": {"ext-intl": "*"}}]}
    found = one({"composer.json": {"require-dev": {"ext-bcmath": "*"}}, "composer.lock": lock})
    assert found.system == ("git", "unzip", "libicu-dev")
    assert found.prepare == "docker-php-ext-install bcmath intl"
    assert found.production.system == ("libicu-dev",)


def test_credentials_are_a_secret_and_classes_need_the_source() -> None:
    found = one({"composer.json": {"autoload": {"classmap": ["x"]}}, "auth.json": "{}"})
    assert (found.secrets, found.needs_source) == (("auth.json",), True)
