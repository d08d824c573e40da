"""One user's session with one Tryton database, over its JSON-RPC.

Not over its REST. That was tried: it reads a little faster and its key never ends, but it creates
and presses buttons one record at a time, checks no version, and hides the name by which a warning
is answered. Both show the same models.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeGuard, cast
from zlib import MAX_WBITS, decompressobj
from zlib import error as ZlibError  # noqa: N812 - an error deserves an error's name

from crossdock.applications.tryton.wire import decoded, encoded
from crossdock.canonical.errors import (
    Ambiguous,
    Conflict,
    CrossdockError,
    Forbidden,
    Invalid,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.connectivity.sdk import Ports
from crossdock.connectivity.transports.http import HttpClient, HttpResponse, checked

UNAUTHORIZED = 401
WARNINGS_MAX = 5
PAIR = 2
ANSWER_BYTES_MAX = 256 * 1024 * 1024
GZIP = b"\x1f\x8b"


class Warned(Rejected):
    """Tryton asks a person "are you sure?"; `name` is how the question is answered for good."""

    code = "tryton_warning"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Answer:
    """`result` as Python values, `body` as it came."""

    result: Any
    body: bytes


@dataclass(frozen=True, slots=True)
class Login:
    authorization: str


@dataclass
class Session:
    """Logs in when it must, once more when its session has ended, and asks again while it may.

    `patience` bounds how long a question is repeated while Tryton is busy or down. A change is
    never repeated here: who makes it knows how to look whether it is there.
    """

    http: HttpClient
    ports: Ports
    database: str
    user: str
    password: str
    patience: timedelta
    _login: Login | None = None
    _preferences: Mapping[str, Any] = field(default_factory=dict[str, Any])
    _logging_in: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(
        self, method: str, *parameters: object, context: Mapping[str, Any] | None = None
    ) -> Answer:
        """Call what changes nothing; a lost answer is then only a reason to ask again."""
        whole = {**await self.preferences(), **(context or {})}
        return await self._asked(method, parameters, whole)

    async def _asked(
        self, method: str, parameters: Sequence[object], context: Mapping[str, Any]
    ) -> Answer:
        give_up_at = self.ports.clock.ticks() + self.patience.total_seconds()
        pause = 0.1
        while True:
            try:
                return await self._called(method, parameters, context)
            except Unavailable as problem:
                wait = _pause(problem, pause * (0.5 + self.ports.random.random()))
                if self.ports.clock.ticks() + wait > give_up_at:
                    raise Unavailable(problem.message, hint=problem.hint) from problem
            await self.ports.clock.sleep(wait)
            pause = min(2 * pause, 5.0)

    async def change(
        self, method: str, *parameters: object, context: Mapping[str, Any] | None = None
    ) -> Any:
        """Call once. A warning is answered with yes, and the call repeated: it did nothing yet."""
        whole = {**await self.preferences(), **(context or {})}
        for _ in range(WARNINGS_MAX):
            try:
                return (await self._called(method, parameters, whole)).result
            except Warned as warning:
                await self._called("model.res.user.warning.skip", (warning.name, False), whole)
        return (await self._called(method, parameters, whole)).result

    async def preferences(self) -> Mapping[str, Any]:
        """Read the context that Tryton's own client sends: company, language, groups."""
        if not self._preferences:
            answer = await self._asked("model.res.user.get_preferences", (True,), {})
            if not isinstance(answer.result, dict):
                raise Invalid("Tryton's preferences are no object")
            self._preferences = cast("dict[str, Any]", answer.result)
        return self._preferences

    async def _called(
        self, method: str, parameters: Sequence[object], context: Mapping[str, Any]
    ) -> Answer:
        body = encoded({"id": 0, "method": method, "params": [*parameters, context]})
        login = await self._logged_in()
        response = await self._posted(body, login)
        if response.status == UNAUTHORIZED:
            # Refused before the method was looked up, so nothing happened.
            response = await self._posted(body, await self._logged_in(instead_of=login))
        return _answer(checked(response))

    async def _posted(self, body: bytes, login: Login | None = None) -> HttpResponse:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if login:
            headers["authorization"] = login.authorization
        return await self.http.request(
            "POST", f"/{self.database}/rpc/", headers=headers, body=body
        )

    async def _logged_in(self, *, instead_of: Login | None = None) -> Login:
        async with self._logging_in:
            if self._login is None or self._login is instead_of:
                self._login = await self._fresh_login()
            return self._login

    async def _fresh_login(self) -> Login:
        method, secret = "common.db.login", {"password": self.password}
        body = encoded({"id": 0, "method": method, "params": [self.user, secret, "en"]})
        try:
            answer = _answer(checked(await self._posted(body)))
        except Ambiguous as problem:
            raise Unavailable(f"Login got no answer: {problem.message}") from problem
        said = _list(answer.result)
        if len(said) >= PAIR:
            text = f"{self.user}:{said[0]}:{said[1]}"
            return Login(f"Session {b64encode(text.encode()).decode()}")
        raise Forbidden(f"Tryton refuses the user {self.user!r} for {self.database!r}")


def _pause(problem: Unavailable, otherwise: float) -> float:
    return problem.retry_after.total_seconds() if isinstance(problem, Throttled) else otherwise


def _answer(response: HttpResponse) -> Answer:
    body = _plain(response.body)
    said = decoded(body)
    message = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    if not {"result", "error"} & message.keys():
        raise Ambiguous("what answered does not speak Tryton's JSON-RPC")
    if "error" in message:
        raise _error(message["error"])
    return Answer(message["result"], body)


def _error(error: object) -> CrossdockError:
    """Read what Tryton's client would show; the first word is the class of the exception."""
    parts = _list(error)
    kind, said = (str(parts[0]), parts[1]) if len(parts) == PAIR else ("", error)
    texts = [str(text) for text in _list(said) or [said] if text]
    match kind, texts:
        case "UserWarning", [name, message, *_]:
            return Warned(name, message)
        case "UserError", [message, *_]:
            return Rejected(" - ".join(texts[:2]))
        case "ConcurrencyException", [message]:
            return Conflict(message, code="version")
        case "LoginException", _:
            return Forbidden(f"Tryton asks for more than a password: {texts}")
        case _:  # a defect, ours or theirs; it was rolled back
            return Rejected(f"Tryton failed: {str(error)[:500]}", code="tryton_fault")


def _list(value: object) -> list[Any]:
    return value if _is_list(value) else []


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _plain(body: bytes) -> bytes:
    """Unpack. Tryton labels every long answer as gzip, also those it did not compress."""
    if not body.startswith(GZIP):
        return body
    unpacking = decompressobj(MAX_WBITS | 16)
    try:
        plain = unpacking.decompress(body, ANSWER_BYTES_MAX)
    except ZlibError as problem:
        raise Ambiguous(f"Tryton's answer does not unpack: {problem}") from problem
    if unpacking.unconsumed_tail:
        raise Rejected("Tryton's answer is too large", code="response_too_large")
    return plain
