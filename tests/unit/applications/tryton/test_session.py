"""What a session makes of Tryton's answers, without a Tryton."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import pytest

from crossdock.applications.tryton.session import Session, Warned
from crossdock.canonical.errors import (
    Ambiguous,
    Conflict,
    CrossdockError,
    Forbidden,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.connectivity.sdk import Ports
from crossdock.connectivity.transports.http import HttpClient, HttpResponse

LOGIN = [3, "token", None]
READ = "model.stock.move.search_read"


class JumpingClock:
    """Passes as soon as somebody sleeps."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 5, 4, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def ticks(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds


class Scripted:
    """Answers logins and preferences by itself, and everything else from a script."""

    def __init__(self, *answers: HttpResponse | CrossdockError) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, Any, Mapping[str, str]]] = []
        self.logins = 0

    async def request(
        self, _method: str, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        assert path == "/books/rpc/"
        message = json.loads(body)
        if message["method"] == "common.db.login":
            self.logins += 1
            return said(LOGIN if message["params"][1]["password"] == "secret" else None)
        if message["method"].endswith("get_preferences"):
            return said({"company": 1})
        self.calls.append((message["method"], message["params"], headers))
        answer = self.answers.pop(0)
        if isinstance(answer, CrossdockError):
            raise answer
        return answer


def said(result: object) -> HttpResponse:
    return HttpResponse(200, {}, json.dumps({"id": 0, "result": result}).encode())


def failed(*error: object) -> HttpResponse:
    return HttpResponse(200, {}, json.dumps({"id": 0, "error": error}).encode())


def session_with(http: Scripted, *, knows_password: bool = True) -> Session:
    ports = Ports(clock=JumpingClock(), random=Random(1))
    return Session(
        *(cast("HttpClient", http), ports, "books", "clerk"),
        *("secret" if knows_password else "guess", timedelta(seconds=20)),
    )


async def test_every_call_carries_the_company_and_the_session() -> None:
    http = Scripted(said([]))

    await session_with(http).ask(READ, [], context={"locations": [1]})

    ((method, parameters, headers),) = http.calls
    assert (method, parameters) == (READ, [[], {"company": 1, "locations": [1]}])
    assert headers["authorization"].startswith("Session ")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (["UserError", ["no", "because", None]], Rejected, "no - because"),
        (["ConcurrencyException", "changed meanwhile"], Conflict, "changed"),
        (["LoginException", ["code", "Code?", "char"]], Forbidden, "Code?"),
        (["'warehouse'", ""], Rejected, "warehouse"),
        ("odd", Rejected, "odd"),
        ({"odd": 1}, Rejected, "odd"),
        (None, Rejected, "None"),
    ],
)
async def test_errors_become_what_the_caller_should_do(
    error: object, kind: type[CrossdockError], words: str
) -> None:
    body = json.dumps({"id": 0, "error": error}).encode()
    http = Scripted(HttpResponse(200, {}, body))

    with pytest.raises(kind, match=words):
        await session_with(http).change("model.sale.sale.quote", [1])


async def test_an_ended_session_is_opened_again_once() -> None:
    http = Scripted(HttpResponse(401), said(7))

    assert await session_with(http).change("model.sale.sale.quote", [1]) == 7
    assert http.logins == 2


async def test_a_session_refused_twice_is_forbidden() -> None:
    http = Scripted(HttpResponse(401), HttpResponse(401))

    with pytest.raises(Forbidden):
        await session_with(http).change("model.sale.sale.quote", [1])
    assert http.logins == 2


async def test_a_wrong_password_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        await session_with(Scripted(), knows_password=False).preferences()


async def test_a_question_is_repeated_while_patience_lasts() -> None:
    refusals = (HttpResponse(503), HttpResponse(504))
    http = Scripted(Unavailable("down"), Ambiguous("lost"), *refusals, said([]))

    assert (await session_with(http).ask(READ, [])).result == []


async def test_patience_ends() -> None:
    http = Scripted(*[HttpResponse(503)] * 50)
    session = session_with(http)

    with pytest.raises(Unavailable) as caught:
        await session.ask(READ, [])

    assert type(caught.value) is Unavailable, "a lost answer to a question is not ambiguous"
    assert session.ports.clock.ticks() <= 20
    assert 5 < len(http.calls) < 20


async def test_a_pause_that_was_asked_for_is_kept() -> None:
    http = Scripted(Throttled("slow down", retry_after=timedelta(seconds=7)), said([]))
    session = session_with(http)

    await session.ask(READ, [])

    assert session.ports.clock.ticks() == 7


@pytest.mark.parametrize("answer", [Ambiguous("lost"), HttpResponse(503), HttpResponse(504)])
async def test_a_change_is_never_repeated_here(answer: HttpResponse | CrossdockError) -> None:
    http = Scripted(answer)

    with pytest.raises(Unavailable):
        await session_with(http).change("model.sale.sale.create", [{}])
    assert len(http.calls) == 1


async def test_a_lost_answer_to_a_change_is_ambiguous() -> None:
    with pytest.raises(Ambiguous):
        await session_with(Scripted(Ambiguous("lost"))).change("model.sale.sale.create", [{}])


async def test_warnings_are_answered_and_the_change_repeated() -> None:
    warned = [failed("UserWarning", [f"warning {number}", "sure?", ""]) for number in range(2)]
    http = Scripted(warned[0], said(None), warned[1], said(None), said(5))

    assert await session_with(http).change("model.stock.move.do", [1]) == 5
    skipped = [call[1][0] for call in http.calls if call[0].endswith("warning.skip")]
    assert skipped == ["warning 0", "warning 1"]


async def test_warnings_without_end_are_given_up() -> None:
    warned = failed("UserWarning", ["always", "sure?", ""])
    http = Scripted(*[warned, said(None)] * 20)

    with pytest.raises(Warned):
        await session_with(http).change("model.stock.move.do", [1])


async def test_compressed_answers_are_unpacked_whatever_their_label() -> None:
    plain = said([1, 2])
    http = Scripted(
        HttpResponse(200, {"content-encoding": "gzip"}, plain.body),
        HttpResponse(200, {"content-encoding": "gzip"}, gzip.compress(plain.body)),
    )
    session = session_with(http)

    assert (await session.ask(READ, [])).result == [1, 2]
    assert (await session.ask(READ, [])).result == [1, 2]


@pytest.mark.parametrize("body", [b"[]", b"{}", b'"hello"', b"\x1f\x8bnonsense"])
async def test_what_is_not_tryton_is_not_believed(body: bytes) -> None:
    with pytest.raises(Ambiguous):
        await session_with(Scripted(HttpResponse(200, {}, body))).change("model.x.y.z")
