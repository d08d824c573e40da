"""Nothing is reachable without a credential, and nothing beyond it: run over every route."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from crossdock.capabilities.catalog import KnownGoods
from crossdock.connectivity.directory import Entry
from crossdock.foundation import health
from crossdock.foundation.database import Database
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope
from crossdock.governance.roles import ROLES, Area, Level, Verb
from crossdock.interfaces.api import create_app
from crossdock.interfaces.api.caller import VERB
from crossdock.interfaces.api.hot import hot_routes
from tests.conftest import execute, out_of_reach
from tests.interfaces.api.applications import SECRET, signature
from tests.interfaces.api.conftest import STRANGER, Caller, House, stock
from tests.interfaces.api.test_stock import asking

OPEN = {("get", "/livez"), ("get", "/readyz"), ("post", "/as2")}
OF_GOODS = "?item=BOLT&location=DC"
QUERY_OF = {
    "/v1/availability": OF_GOODS,
    "/v1/positions": OF_GOODS,
    "/v1/reservations": OF_GOODS,
    "/v1/safety-stock": OF_GOODS,
    "/v1/atp/rules": OF_GOODS,
}
OF_ANY_KEY = {("get", "/v1/keys/self"), ("get", "/openapi.json")}


async def routes(call: Caller) -> list[tuple[str, str, dict[str, Any]]]:
    document = (await call("GET", "/openapi.json")).json
    return [
        (method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def content(method: str) -> dict[str, Any] | None:
    return {} if method in {"post", "put", "patch"} else None


def addressed(path: str) -> str:
    """Fill an address: any name will do, as nobody without the right may learn if it exists."""
    return re.sub(r"\{[^}]+\}", "some-name", path) + QUERY_OF.get(path, "")


def lacking(verb: Verb) -> Iterator[str]:
    """Every verb but those that include this one."""
    for area in Area:
        for level in Level:
            if area is not verb.area or level < verb.level:
                yield str(Verb(area, level))


async def test_every_route_of_the_app_is_in_the_document(call: Caller, house: House) -> None:
    """Else a route could hide from every test here that goes through the document."""
    app = create_app(house)
    assert app.openapi_url is None  # the document is ours, and needs a key

    served = {
        (one.method.lower(), one.path) for one in hot_routes(house, KnownGoods(house.catalog))
    }
    for route in leaves(app.routes):
        assert isinstance(route, APIRoute), route  # nothing mounted, no file, no web socket
        served |= {(method.lower(), route.path_format) for method in route.methods or ()}

    assert {(method, path) for method, path, _ in await routes(call)} == served


def leaves(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """Give each route, those of routers that were included too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from leaves(inner.routes)


async def test_every_route_says_what_it_needs(call: Caller) -> None:
    found = await routes(call)

    assert len(found) >= 25
    for method, path, operation in found:
        is_free = (method, path) in OPEN | OF_ANY_KEY or path.startswith("/v1/webhooks/")
        assert bool(operation[VERB]) is not is_free, (method, path)
        assert ("security" in operation) == (
            (method, path) in OPEN or path.startswith("/v1/webhooks/")
        ), (method, path)


async def test_no_route_answers_without_a_key(call: Caller) -> None:
    for method, path, _ in await routes(call):
        if (method, path) in OPEN:
            continue
        body = content(method)
        answer = await call(method.upper(), addressed(path), body, key="none")
        assert (answer.status, answer.json["code"]) == (401, "unauthenticated"), (method, path)


async def test_no_route_answers_a_revoked_key(call: Caller, house: House) -> None:
    token = await house.key()
    await house.access.revoke(Scope("main"), token.split("_")[1], by="test")

    for method, path, _ in await routes(call):
        if (method, path) in OPEN or path.startswith("/v1/webhooks/"):
            continue
        body = content(method)
        answer = await call(method.upper(), addressed(path), body, key=token)
        assert answer.status == 401, (method, path)
        assert answer.headers["www-authenticate"].startswith("bearer")


async def test_no_route_answers_a_key_that_lacks_its_verb(call: Caller, house: House) -> None:
    for method, path, operation in await routes(call):
        if not operation[VERB]:
            continue
        token = await house.key(*lacking(Verb.of(operation[VERB])))
        body = content(method)
        answer = await call(method.upper(), addressed(path), body, key=token)
        found = (answer.status, answer.json["code"])
        assert found == (403, "verb_missing"), (method, path, answer.body)
        assert operation[VERB] in answer.json["detail"]


async def test_every_route_refuses_a_partner_or_shows_it_its_own(
    call: Caller, house: House
) -> None:
    await let_a_partner_ask_everything(call, house)


async def test_nor_does_a_partner_see_others_when_row_level_security_is_off(
    call: Caller, house: House, unguarded: Database
) -> None:
    assert unguarded is house.database
    await let_a_partner_ask_everything(call, house)


async def let_a_partner_ask_everything(call: Caller, house: House) -> None:
    """Fail closed: what is not made for partners is refused, whatever is asked and how."""
    token, theirs = await house.key(partner="boltco"), await house.key(partner="nutco")
    own, others = token.split("_")[1], [theirs.split("_")[1], call.key.split("_")[1]]
    for method, path, operation in await routes(call):
        if not operation[VERB]:
            assert (method, path) in OPEN | OF_ANY_KEY or path.startswith("/v1/webhooks/")
        elif not path.startswith("/v1/keys"):
            answer = await call(method.upper(), addressed(path), content(method), key=token)
            assert (answer.status, answer.json["code"]) == (403, "partner_scope"), (method, path)

    shown = (await call("GET", "/v1/keys", key=token)).json["keys"]
    assert [each["key_id"] for each in shown] == [own]
    for key_id in others:
        assert (await call("DELETE", f"/v1/keys/{key_id}", key=token)).status == 404
    made = {"name": "more", "verbs": ["stock:read"], "partner": "nutco"}
    for partner, status in (("boltco", 201), ("nutco", 403), ("", 403)):
        answer = await call("POST", "/v1/keys", made | {"partner": partner}, key=token)
        assert answer.status == status
    assert (await call("GET", "/v1/keys/self", key=token)).json["partner"] == "boltco"


async def test_a_stranger_sees_and_changes_nothing_of_ours(call: Caller, house: House) -> None:
    await let_a_stranger_ask_everything(call, house)


async def test_nor_does_a_stranger_when_row_level_security_is_off(
    call: Caller, house: House, unguarded: Database
) -> None:
    assert unguarded is house.database
    await let_a_stranger_ask_everything(call, house)


async def let_a_stranger_ask_everything(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    made = await call("POST", "/v1/reservations", asking("cart-1", 4))
    reservation_id = made.json["reservation_id"]
    await connect_bell(house)
    own_key = call.key.split("_")[1]
    names = {
        "reservation_id": reservation_id,
        "item": "BOLT",
        "location": "DC",
        "connection": "bell",
        "key_id": own_key,
    }
    stranger = await house.key(by=STRANGER)
    ours = re.compile(rf"BOLT|{reservation_id}|\bbell|{own_key}".encode())

    for method, path, operation in await routes(call):
        if not operation[VERB] or path == "/v1/log":
            continue
        address = re.sub(r"\{([^}]+)\}", lambda match: names.get(match[1], "1"), path)
        address += QUERY_OF.get(path, "")
        body = content(method)
        answer = await call(method.upper(), address, body, key=stranger)
        assert answer.status < 500
        if answer.status < 300 and method != "put":
            assert not ours.search(answer.body), (method, path, answer.body)
    after = await call("GET", f"/v1/reservations/{reservation_id}")
    assert after.json == made.json
    assert (await call("GET", "/v1/connections/bell")).json["is_paused"] is False


async def test_an_address_that_does_not_exist_asks_for_a_key_too(call: Caller) -> None:
    assert (await call("GET", "/v1/nothing", key="none")).status == 401
    answer = await call("GET", "/v1/nothing")
    assert (answer.status, answer.json["code"]) == (404, "no_such_route")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/webhooks/bell"),
        ("PUT", "/v1/webhooks/bell/orders"),
        ("GET", "/v1/webhooks/"),
        ("POST", "/v1/webhooks/"),
        ("POST", "/v1/webhooks//bell"),
        ("POST", "/v1/webhooks/nobody"),
    ],
)
async def test_what_is_no_webhook_looks_like_any_other_address(
    call: Caller, method: str, path: str
) -> None:
    answer = await call(method, path, {}, key="none")

    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")


async def test_the_process_says_that_it_lives_to_anybody(call: Caller) -> None:
    for path in ("/livez", "/readyz"):
        assert (await call("GET", path, key="none")).status == 200


async def test_the_process_lives_but_is_not_ready_while_the_database_is_away(
    call: Caller, house: House, postgres: EmbeddedPostgres
) -> None:
    async with out_of_reach(postgres, house.database):
        alive = await call("GET", "/livez", key="none")
        ready = await call("GET", "/readyz", key="none")
    again = await call("GET", "/readyz", key="none")

    assert (alive.status, ready.status, again.status) == (200, 503, 200)
    assert ready.json["code"] == "database_unreachable"
    assert ready.headers["retry-after"] == "1"


async def test_figures_are_for_the_house_that_runs_the_hub(call: Caller, house: House) -> None:
    await call("GET", "/livez")
    ours = await call("GET", "/metrics", key=await house.key("telemetry:read"))
    theirs = await call("GET", "/metrics", key=await house.key("telemetry:read", by=STRANGER))

    assert ours.status == 200
    assert b"crossdock_http_request_seconds_bucket" in ours.body
    assert theirs.status == 403


async def test_figures_of_every_worker_with_a_fresh_sign_of_life_are_shown(
    call: Caller, house: House, dsn: str
) -> None:
    """Those of this process are its own, and what a server answers is no work."""
    counted = 'crossdock_events_total{source="another",verdict="NEW"} 41.0'
    said = f"# TYPE crossdock_events_total counter\n{counted}\n"
    signs = {"fresh": "worker", "old": "worker", "house": "worker", "api": "attendant"}
    for worker, kind in signs.items():
        await health.leave_sign(house.database, worker, kind, figures=said)
    await execute(
        dsn, "update worker_sign set seen_at = now() - interval '31 s' where worker = 'old'"
    )

    shown = await call("GET", "/metrics", key=await house.key("telemetry:read"))

    found = [line for line in shown.body.decode().splitlines() if '"another"' in line]
    assert found == ['crossdock_events_total{process="fresh",source="another",verdict="NEW"} 41.0']


async def test_a_key_made_over_http_does_what_it_may_and_can_be_revoked(call: Caller) -> None:
    made = await call("POST", "/v1/keys", {"name": "shop", "role": "channel"})
    token, key_id = made.json["key"], made.json["key_id"]

    own = await call("GET", "/v1/keys/self", key=token)
    assert own.json["verbs"] == sorted(map(str, ROLES["channel"]))
    listed = await call("GET", "/v1/keys")
    assert token not in listed.body.decode()
    assert key_id in {key["key_id"] for key in listed.json["keys"]}
    assert (await call("DELETE", f"/v1/keys/{key_id}")).status == 204
    assert (await call("GET", "/v1/keys/self", key=token)).status == 401


async def test_a_key_may_not_make_itself_more_than_it_is(call: Caller, house: House) -> None:
    clerk = await house.key("keys:admin", "stock:read")

    answer = await call("POST", "/v1/keys", {"name": "mine", "role": "owner"}, key=clerk)

    assert (answer.status, answer.json["code"]) == (403, "verb_missing")


@pytest.mark.parametrize(
    "extra",
    [{"tenant": "other"}, {"is_owner": True}, {"key_id": "mine"}, {"created_by": "nobody"}],
)
async def test_what_a_request_may_not_set_is_refused(call: Caller, extra: dict[str, Any]) -> None:
    answer = await call("POST", "/v1/keys", {"name": "x", "verbs": ["stock:read"], **extra})

    assert answer.status == 422
    assert answer.json["where"] == f"/{next(iter(extra))}"


async def connect_bell(house: House) -> None:
    entry = Entry(tenant="main", name="bell", application="bell", settings={"secret": SECRET})
    await house.directory.add(Scope("main"), entry)


async def test_a_webhook_is_taken_on_its_signature(call: Caller, house: House) -> None:
    await connect_bell(house)
    body = b'{"number": 1}'
    signed = {"x-signature": signature(body)}

    first = await call("POST", "/v1/webhooks/bell", body, key="", headers=signed)
    again = await call("POST", "/v1/webhooks/bell", body, key="", headers=signed)

    assert (first.status, first.json["verdicts"]) == (200, {"NEW": 1})
    assert again.json["is_repeat"] is True


@pytest.mark.parametrize(
    "address", ["bell", "nobody", "bell?tenant=other", "bell?tenant=*", "bell?tenant=%00", "%00"]
)
async def test_a_message_that_nobody_vouches_for_is_refused_alike(
    call: Caller, house: House, address: str
) -> None:
    await connect_bell(house)

    answer = await call("POST", f"/v1/webhooks/{address}", b"{}", key="")

    assert answer.status in {401, 422}
    assert b"bell" not in answer.body
