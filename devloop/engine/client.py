"""The door to the Docker Engine: the only ``import docker``.

The SDK finds the engine (DOCKER_HOST, the docker context), speaks its transports and knows the
registry credentials; requests go to the documented Engine API, so that a call is what it says.
"""

from __future__ import annotations

import gc
import socket
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import docker
import docker.errors
import requests
import urllib3.exceptions

from devloop.errors import EngineGoneError, HostError, RefusedError

NOT_FOUND = 404
CONFLICT = 409
FIRST_ERROR = 400
DEFAULT_TIMEOUT = 60.0
OLDEST_BUILDKIT = (1, 39)
STDERR = 2


class Conversation:
    """The connection to a command that runs in a container."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - the SDK's stream
        self._stream = stream
        self._link: socket.socket = getattr(stream, "_sock", stream)

    def ask(self, text: bytes, answer: bytes, patience: float) -> bool:
        """Send a text and wait, for that many seconds a piece, for output that ends so."""
        heard = b""
        try:
            self._link.settimeout(patience)
            self._link.sendall(text)
            while not heard.endswith(answer):
                piece = self._link.recv(256)
                if not piece:
                    return False
                heard += piece
        except OSError:
            return False
        return True

    def send(self, text: bytes) -> None:
        """Write to the command's stdin; raises ``OSError`` if it has gone."""
        self._link.settimeout(None)
        self._link.sendall(text)

    def pieces(self) -> Iterator[bytes]:
        """Yield the command's output, both streams, until it ends."""
        for _, piece in self.frames():
            yield piece

    def _exactly(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            piece = self._link.recv(size - len(found))
            if not piece:
                return b""
            found += piece
        return bytes(found)

    def receive(self) -> bytes:
        """Give what a command with a terminal wrote next, nothing at its end."""
        try:
            return self._link.recv(1 << 16)
        except OSError:
            return b""

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Yield (stream, piece) of a command without a terminal until it ends; 2 is stderr."""
        with suppress(OSError):
            while head := self._exactly(8):
                yield head[0], self._exactly(int.from_bytes(head[4:], "big"))

    def end_input(self) -> None:
        """Say that no more input comes; output still does."""
        with suppress(OSError):
            self._link.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End the connection, and the command's input with it."""
        for one in (self._stream, self._link, getattr(self._stream, "_response", None)):
            if one is not None:
                with suppress(OSError, ValueError):
                    one.close()


class Engine:
    """One connection to an engine, to be shared by threads."""

    def __init__(self, api: Any) -> None:  # noqa: ANN401 - the SDK's client stays behind this door
        self._api = api
        self._base = f"{api.base_url}/v{api.api_version}"

    @property
    def address(self) -> str:
        """Where the engine was reached."""
        return address(self._api)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def request(  # noqa: PLR0913 - one HTTP request
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        data: object = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> requests.Response:
        """Send one request; raises ``RefusedError`` or ``EngineGoneError``."""
        with gone(self.address):
            response: requests.Response = self._api.request(
                method,
                self._base + path,
                params=params,
                json=json,
                data=data,
                headers=headers,
                stream=stream,
                timeout=timeout,
            )
            if response.status_code >= FIRST_ERROR:
                raise RefusedError(response.status_code, _message(response))
        return response

    def get(self, path: str, **params: object) -> Any:  # noqa: ANN401 - JSON
        """GET a JSON answer."""
        return self.request("GET", path, params=params).json()

    def post(self, path: str, json: object = None, **params: object) -> Any:  # noqa: ANN401 - JSON
        """POST and read the JSON answer, None where there is none."""
        response = self.request("POST", path, params=params, json=json, timeout=None)
        return response.json() if response.content else None

    def delete(self, path: str, **params: object) -> None:
        """DELETE; what is not there is gone already."""
        try:
            self.request("DELETE", path, params=params)
        except RefusedError as error:
            if error.status != NOT_FOUND:
                raise

    def ping(self) -> bool:
        """Say whether the engine answers now."""
        try:
            self.request("GET", "/_ping", timeout=5)
        except (EngineGoneError, RefusedError):
            return False
        return True

    def output(
        self, container: str, attached: Callable[[], None]
    ) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Attach to a container and yield (stdout, stderr) pieces until it ends."""
        try:
            with gone(self.address), refusals():
                stream = self._api.attach(
                    container, stdout=True, stderr=True, stream=True, demux=True
                )
        finally:
            attached()
        try:
            yield from stream
        except (OSError, ValueError, urllib3.exceptions.HTTPError, requests.RequestException):
            return  # the connection broke: to the reader that is the end of the output

    def output_since_start(self, container: str) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Yield (stdout, stderr) pieces from a container's last start until it ends.

        They come from its log: attaching with what went before loses what is written meanwhile.
        """
        found = self.get(f"/containers/{container}/json")
        if found["HostConfig"]["LogConfig"]["Type"] == "none":  # then there is nothing but this
            yield from self.output(container, lambda: None)
            return
        yield from self._log(found, {"follow": "1", "since": _epoch(found["State"])})

    def logs(
        self, container: str, *, since: float | None = None, follow: bool = True, tail: str = "all"
    ) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Yield (stdout, stderr) pieces of what a container has written, and writes if ``follow``.

        ``since`` is in seconds since the epoch, ``tail`` a number of lines or ``all``.
        """
        asked = {"tail": tail}
        asked |= {"follow": "1"} if follow else {}
        asked |= {} if since is None else {"since": f"{since:.3f}"}
        yield from self._log(self.get(f"/containers/{container}/json"), asked)

    def _log(
        self, found: Mapping[str, Any], asked: Mapping[str, str]
    ) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Read a log; what was written to a terminal has one stream, and comes without frames."""
        path, params = f"/containers/{found['Id']}/logs", {"stdout": "1", "stderr": "1", **asked}
        response = self.request("GET", path, params=params, stream=True, timeout=None)
        with response, suppress(OSError, ValueError, urllib3.exceptions.HTTPError):
            if found["Config"]["Tty"]:
                while piece := response.raw.read1(1 << 16):
                    yield piece, None
            while head := response.raw.read(8):
                piece = response.raw.read(int.from_bytes(head[4:], "big"))
                yield (None, piece) if head[0] == STDERR else (piece, None)

    def converse(self, container: str, argv: list[str]) -> Conversation:
        """Run a command in a container, connected to its stdin and stdout."""
        with gone(self.address), refusals():
            identity = self._api.exec_create(container, argv, stdin=True)["Id"]
        return self.begin(identity)

    def begin(self, command: str, *, tty: bool = False) -> Conversation:
        """Start a command that was created in a container, connected to its streams."""
        with gone(self.address), refusals():
            return Conversation(self._api.exec_start(command, tty=tty, socket=True))

    def hold(self, ended: Callable[[], bool]) -> None:
        """Hold an event stream open until the engine goes (or ``ended``); no event is read."""
        response = self.request(
            "GET",
            "/events",
            params={"filters": '{"type":["plugin"]}'},
            stream=True,
            timeout=None,
        )
        with suppress(OSError, urllib3.exceptions.HTTPError, requests.RequestException):
            for _ in response.iter_lines():
                if ended():
                    return

    def pull(self, name: str, platform: str = "") -> Iterator[Mapping[str, Any]]:
        """Pull an image with the user's registry credentials; yields the engine's progress."""
        repository, tag = _split_tag(name)
        with gone(self.address), refusals():
            yield from self._api.pull(
                repository, tag=tag, stream=True, decode=True, platform=platform or None
            )

    def push(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Push an image with the user's registry credentials; yields the engine's progress."""
        repository, tag = _split_tag(name)
        with gone(self.address), refusals():
            yield from self._api.push(repository, tag=tag, stream=True, decode=True)


def connect(timeout: float = DEFAULT_TIMEOUT) -> Engine:
    """Connect to the engine that the docker command would use; raises ``HostError``."""
    try:
        return Engine(docker.from_env(timeout=int(timeout)).api)
    except docker.errors.DockerException as error:
        message, hint = _why(error)
    with warnings.catch_warnings():  # the SDK leaves the socket that it tried open
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    raise HostError(message, hint=hint)


def address(api: Any) -> str:  # noqa: ANN401 - the SDK's client
    """Name the engine's address as DOCKER_HOST would."""
    return str(api.base_url).replace("http+docker://localhost", "the local socket")


@contextmanager
def gone(where: str) -> Iterator[None]:
    """Turn a broken connection into ``EngineGoneError``."""
    try:
        yield
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
        raise EngineGoneError(
            f"the Docker Engine does not answer at {where}", hint="is it running?"
        ) from error


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the SDK's API errors into ``RefusedError``."""
    try:
        yield
    except docker.errors.APIError as error:
        raise RefusedError(error.status_code or 500, error.explanation or str(error)) from None


def _why(error: Exception) -> tuple[str, str]:
    """Say in one sentence why there is no engine, and what to do."""
    text = str(error)
    if "PermissionError" in text or "Permission denied" in text:
        return (
            "the Docker Engine's socket may not be used by this user",
            "add the user to the group `docker` and log in again, or use a rootless engine",
        )
    if "version" in text and "too old" in text:
        return "the Docker Engine is too old for this client", "update the engine"
    return (
        "no Docker Engine answers",
        "start it (Docker Desktop, or `sudo systemctl start docker`), or set DOCKER_HOST",
    )


def _epoch(state: Mapping[str, Any]) -> str:
    """Give when a container was started, in seconds with all their decimals."""
    whole, _, rest = str(state["StartedAt"]).rstrip("Z").partition(".")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
    return f"{seconds:.0f}.{rest or 0}"


def _message(response: requests.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text.strip() or response.reason


def _split_tag(name: str) -> tuple[str, str]:
    if "@" in name:
        repository, _, digest = name.partition("@")
        return repository.split(":")[0] if "/" not in repository else repository, digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")
