"""Which package manager a Node project uses and how that one is got, installs and runs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devloop.stacks.base import Snapshot
from devloop.stacks.node.package import Package

_FIELD = re.compile(r"(npm|pnpm|yarn|bun)@(\d{1,5}\.\d{1,5}\.\d{1,5}(?:-[0-9A-Za-z.]{1,40})?)?.*")
_EXACT = re.compile(r"\d{1,5}\.\d{1,5}\.\d{1,5}(?:-[0-9A-Za-z.]{1,40})?")
_MAJOR = re.compile(r"[^0-9]{0,3}(\d{1,5})")
_LOCK_VERSION = re.compile(r"^lockfileVersion: '?(\d+)", re.MULTILINE)
_BERRY_LOCK = re.compile(r"^__metadata:\n +version: (\d+)", re.MULTILINE)
_YARN_PATH = re.compile(r"^yarnPath:", re.MULTILINE)

# As of November 2026. A lock is read by the releases that write it, so the lock decides.
PNPM = {"7": "7.33.7", "8": "8.15.9", "9": "9.15.9", "10": "10.34.9", "11": "11.28.11"}
PNPM_OF_LOCK = {"5": PNPM["7"], "6": PNPM["8"], "9": PNPM["10"]}
PNPM_DEFAULT = PNPM["10"]
YARN_CLASSIC = "1.22.22"
YARN = {"1": YARN_CLASSIC, "2": "2.4.2", "3": "3.8.7", "4": "4.18.1"}
YARN_OF_LOCK = {
    "4": YARN["2"],
    "5": "3.1.1",
    "6": YARN["3"],
    "8": "4.13.0",
    "9": "4.14.1",
    "10": YARN["4"],
}
FOCUS_MAJOR = 4  # `yarn workspaces focus` is built in from here on

BUN = "1"
BUN_CACHE = "/root/.bun/install/cache"
STORE = "/root/.local/share/pnpm/store"
CLASSIC_CACHE = "/usr/local/share/.cache/yarn"
NODE_RUN_MAJOR = 22  # `node --run` is there from here on
BERRY_CACHE = "/root/.cache/yarn"
NPM_CACHE = "/root/.npm"


@dataclass(frozen=True)
class Manager:
    """A package manager.

    ``version`` is exact, or empty where the image's own will do; ``node`` is Node's first number.
    Of yarn from 2 on: ``zero`` has its cache committed, ``has_path`` its own program.
    """

    name: str
    version: str = ""
    zero: bool = False
    has_path: bool = False
    node: int = 0

    @property
    def berry(self) -> bool:
        """Whether this is yarn from 2 on."""
        return self.name == "yarn" and not self.version.startswith("1.")

    @property
    def major(self) -> int:
        """The first number of the version, 0 where it is not told."""
        return int(self.version.partition(".")[0] or 0)


def choose(snapshot: Snapshot, package: Package) -> Manager:
    """Say what installs: what package.json names, else what the lock is of, else npm."""
    name, version = _named(package)
    name = name or _by_files(snapshot, package)
    fill = {"pnpm": _pnpm, "yarn": _yarn}.get(name)
    if name == "bun" and not _EXACT.fullmatch(version):
        version = ""
    return fill(snapshot, version) if fill else Manager(name, version)


def setup(manager: Manager) -> str:
    """Give the shell line that installs the manager itself, empty where the image has it."""
    if manager.name == "bun":
        return ""
    if manager.name == "npm":
        return f"npm install -g npm@{manager.version}" if manager.version else ""
    if manager.name == "pnpm":
        return f"npm install -g pnpm@{manager.version}"
    # The image may have a yarn of its own in the way; any yarn hands over to a yarnPath.
    if not manager.berry or manager.has_path:
        version = YARN_CLASSIC if manager.berry else manager.version
        return f"npm install -g --force yarn@{version}"
    return f"npm install -g --force @yarnpkg/cli-dist@{manager.version}"


def install(manager: Manager, *, locked: bool) -> tuple[str, str]:
    """Give the shell line that installs everything and its cache folder."""
    if manager.name == "pnpm":
        frozen = "--frozen-lockfile" if locked else "--no-frozen-lockfile"
        return f"pnpm install {frozen} --store-dir {STORE}", STORE
    if manager.name == "bun":
        return "bun install --frozen-lockfile" if locked else "bun install", BUN_CACHE
    if manager.berry:
        return _berry_install(manager, locked=locked), BERRY_CACHE
    if manager.name == "yarn":
        return "yarn install --frozen-lockfile" if locked else "yarn install", CLASSIC_CACHE
    return "npm ci" if locked else "npm install", NPM_CACHE


def prune(manager: Manager, *, locked: bool) -> str:
    """Give the shell line that drops development dependencies, empty where there is none."""
    if manager.name == "pnpm":
        return f"CI=true pnpm install --prod --ignore-scripts --offline --store-dir {STORE}"
    if manager.name == "bun":
        frozen = " --frozen-lockfile" if locked else ""
        return f"rm -rf node_modules && bun install --production --ignore-scripts{frozen}"
    if manager.berry:
        focus = f"{_berry_env(manager)} yarn workspaces focus --all --production"
        return focus if manager.major >= FOCUS_MAJOR else ""
    if manager.name == "yarn":
        frozen = " --frozen-lockfile" if locked else ""
        return f"yarn install --production --ignore-scripts --prefer-offline{frozen}"
    return "npm prune --omit=dev"


def run(manager: Manager, script: str, flags: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Give the command that runs a script.

    Yarn from 2 on refuses to run one where the mount hides what its install left beside
    package.json, so Node does it, or npm where Node is too old for it.
    """
    program: tuple[str, ...] = (manager.name, "run")
    if manager.berry and not manager.zero:
        program = ("node", "--run") if manager.node >= NODE_RUN_MAJOR else ("npm", "run")
    separator = ("--",) if flags and program[0] in {"npm", "node"} else ()
    return (*program, script, *separator, *flags)


def node(manager: Manager, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Give the command that runs a file with Node; without node_modules only yarn can."""
    if manager.name == "bun":
        return ("bun", *argv)
    return ("yarn", "node", *argv) if manager.zero else ("node", *argv)


def _named(package: Package) -> tuple[str, str]:
    field = _FIELD.fullmatch(package.text("packageManager").split("+")[0])
    if field:
        return field[1], field[2] or ""
    name = package.text("devEngines", "packageManager", "name")
    if name in {"npm", "pnpm", "yarn", "bun"}:
        return name, package.text("devEngines", "packageManager", "version")
    return "", ""


_FILES = (
    ("pnpm", ("pnpm-lock.yaml",)),
    ("bun", ("bun.lock", "bun.lockb")),
    ("yarn", (".yarnrc.yml", "yarn.lock")),
)


def _by_files(snapshot: Snapshot, package: Package) -> str:
    for name, files in _FILES:
        if snapshot.present(*files):
            return name
    engines = (name for name in ("pnpm", "bun", "yarn") if package.text("engines", name))
    npm_lock = snapshot.present("package-lock.json", "npm-shrinkwrap.json")
    return "npm" if npm_lock else next(engines, "npm")


def _pnpm(snapshot: Snapshot, version: str) -> Manager:
    lock = _LOCK_VERSION.search(snapshot.text("pnpm-lock.yaml")[:200])
    fallback = PNPM_OF_LOCK.get(lock[1], PNPM_DEFAULT) if lock else PNPM_DEFAULT
    return Manager("pnpm", _exact(version, PNPM, fallback))


def _yarn(snapshot: Snapshot, version: str) -> Manager:
    lock = _BERRY_LOCK.search(snapshot.text("yarn.lock")[:1000].replace("\r\n", "\n"))
    berry = lock is not None or ".yarnrc.yml" in snapshot.paths
    fallback = YARN_OF_LOCK.get(lock[1] if lock else "", YARN["4"] if berry else YARN_CLASSIC)
    found = Manager("yarn", _exact(version, YARN, fallback))
    if not found.berry:
        return found
    cached = any(path.startswith(".yarn/cache/") for path in snapshot.paths)
    zero = cached and bool(snapshot.present(".pnp.cjs", ".pnp.js"))
    has_path = bool(_YARN_PATH.search(snapshot.text(".yarnrc.yml")))
    return Manager("yarn", found.version, zero, has_path)


def _exact(version: str, known: dict[str, str], fallback: str) -> str:
    if _EXACT.fullmatch(version):
        return version
    major = _MAJOR.match(version)
    return known.get(major[1], fallback) if major else fallback


def _berry_env(manager: Manager) -> str:
    """Point yarn at its cache mount; the modules go to node_modules, which can be a volume.

    A committed .pnp.cjs with its cache is used as it stands instead.
    """
    if manager.zero:
        return "YARN_ENABLE_TELEMETRY=0"
    return f"YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_GLOBAL_CACHE=true YARN_GLOBAL_FOLDER={BERRY_CACHE}"


def _berry_install(manager: Manager, *, locked: bool) -> str:
    immutable = " --immutable" if locked else " --no-immutable"
    return f"{_berry_env(manager)} yarn install{immutable}"
