"""Partners by AS2 are kept over HTTP: what is left out stays, and no key is ever shown."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from crossdock.connectivity.as2.messages import MessageState
from tests.interfaces.api.as2_sides import ACME, MAIN, ORDER, Sides, bring, certificate
from tests.interfaces.api.conftest import Caller, House
from tests.interfaces.api.test_as2_refused import RECEIVED
from tests.unit.connectivity.as2.parties import NOW, pem

NAMED = {"house": "dock", "partner": "Acme Ltd"}
LASTING = (-9_000, 36_000)


def lasting(name: str) -> str:
    return pem(name, days=LASTING).decode()


async def put(call: Caller, **more: Any) -> Any:
    return await call("PUT", "/v1/as2/partners", NAMED | more)


async def test_what_is_left_out_stays_and_every_version_is_counted(call: Caller) -> None:
    first = await put(call, url="https://acme.example/as2", certificates=[lasting("shop")])
    assert (first.status, first.json["version"], first.json["encrypt"]) == (200, 1, "aes-256")

    second = await put(call, encrypt="3des", takes_sha1=True, on_duplicate="warn")

    changed = {"version": 2, "encrypt": "3des", "takes_sha1": True, "on_duplicate": "warn"}
    same = {name: value for name, value in first.json.items() if name != "put_at"}
    assert {k: v for k, v in second.json.items() if k != "put_at"} == same | changed
    assert (await put(call)).json["version"] == 2
    listed = (await call("GET", "/v1/as2/partners?partner=Acme%20Ltd")).json["partners"]
    assert listed == [second.json]
    assert (await call("GET", "/v1/as2/partners?house=other")).json == {"partners": []}


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"url": "ftp://acme.example"}, "/url"),
        ({"url": "http://user:secret@acme.example/"}, "/url"),
        ({"url": "http://2130706433/"}, "/url"),
        ({"receipt_urls": ["file:///etc/passwd"]}, "/receipt_urls"),
        ({"receipt_url": "https://us.example/#x"}, "/receipt_url"),
        ({"certificates": ["none"]}, "/certificates"),
        ({"sign": "md5"}, "/sign"),
        ({"attempts": 0}, "/attempts"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_profile_names_its_place(
    call: Caller, said: dict[str, Any], where: str
) -> None:
    right = {"url": "https://acme.example/as2", "certificates": [lasting("shop")]}

    answer = await put(call, **(right | said))

    assert (answer.status, answer.json["where"]) == (422, where)


async def test_a_key_is_kept_sealed_and_shown_to_nobody(call: Caller, house: House) -> None:
    answer = await call("PUT", "/v1/as2/keys", {"house": "dock", "key": lasting("dock")})
    again = await call("PUT", "/v1/as2/keys", {"house": "dock", "key": lasting("dock")})

    assert (answer.status, again.json) == (200, answer.json)
    listed = await call("GET", "/v1/as2/keys")
    assert listed.json == {"keys": [answer.json]}
    assert b"PRIVATE" not in listed.body + answer.body
    async with house.database.transaction(MAIN) as tx:
        kept = await tx.fetchval("select secret from as2_key where tenant = $1", tx.tenant)
    assert "PRIVATE" not in kept
    wrong = await call("PUT", "/v1/as2/keys", {"house": "dock", "key": "a secret, and no PEM"})
    assert (wrong.status, wrong.json["where"]) == (422, "/key")
    assert b"a secret" not in wrong.body


async def test_a_key_is_sealed_anew_with_the_other_secrets(call: Caller, house: House) -> None:
    await call("PUT", "/v1/as2/keys", {"house": "dock", "key": lasting("dock")})

    async def kept() -> str:
        async with house.database.transaction(MAIN) as tx:
            sql = "select secret from as2_key where tenant = $1"
            return str(await tx.fetchval(sql, tx.tenant))

    before = await kept()
    assert (await call("POST", "/v1/connections/rotate-secrets")).status == 200

    assert before.startswith("v1.1.")
    assert (await kept()).startswith("v1.2.")
    async with house.database.transaction(MAIN) as tx:
        assert (await house.as2.partners.house(tx, "dock")).keys


async def test_a_document_is_sent_by_its_request_and_its_message_is_shown(
    call: Caller, sides: Sides, house: House
) -> None:
    await sides.agree()
    caller = Caller(int(sides.url.rpartition(":")[2]), await house.key())
    said = {
        **NAMED,
        "request_id": "order 7",
        "content": base64.b64encode(ORDER.content).decode(),
        "content_type": "application/edi-x12",
        "filename": "order.edi",
    }

    sent = await caller("POST", "/v1/as2/messages", said)
    again = await caller("POST", "/v1/as2/messages", said)
    assert (sent.status, sent.json["state"], again.json) == (202, "DUE", sent.json)
    await sides.as2.posting.post_due()

    name = sent.json["message"]
    shown = (await caller("GET", f"/v1/as2/messages/{name}")).json
    assert (shown["state"], shown["filename"]) == ("PROVEN", "order.edi")
    contents = (await caller("GET", f"/v1/as2/messages/{name}/contents")).json
    assert base64.b64decode(contents["payload"]) == ORDER.content
    assert b"Disposition: " in base64.b64decode(contents["receipt"])
    listed = (await caller("GET", "/v1/as2/messages?state=PROVEN")).json["messages"]
    assert listed == [shown]
    refused = await caller("POST", f"/v1/as2/messages/{name}/again")
    assert (refused.status, refused.json["code"]) == (404, "not_found")
    assert call.port != caller.port


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"content": "no base64!"}, "/content"),
        ({"content_type": "text/plain\r\nX: y"}, "/content_type"),
        ({"content_type": "text"}, "/content_type"),
        ({"filename": "../a"}, ""),
        ({"partner": "nobody"}, ""),
    ],
)
async def test_a_document_that_cannot_be_sent_is_refused_before_it_is_kept(
    sides: Sides, house: House, said: dict[str, str], where: str
) -> None:
    await sides.agree()
    caller = Caller(int(sides.url.rpartition(":")[2]), await house.key())
    right = {**NAMED, "request_id": "r", "content": "eA==", "content_type": "text/plain"}

    answer = await caller("POST", "/v1/as2/messages", right | said)

    assert answer.status in {404, 422}
    assert answer.json.get("where", "") == where
    assert await sides.as2.messages.listed(MAIN) == []


async def open_cases(sides: Sides) -> Sequence[Any]:
    async with sides.database.transaction(MAIN) as tx:
        sql = "select code, title from business_case where tenant = $1 and state = 'OPEN'"
        return [tuple(row) for row in await tx.fetch(sql, tx.tenant)]


async def test_a_certificate_that_ends_is_a_case_until_another_follows(sides: Sides) -> None:
    await sides.agree()
    soon = pem("shop", days=(-10, 20), serial=9)
    await sides.change(certificates=(soon.decode(),))

    await sides.as2.expiry.watch()
    await sides.as2.expiry.watch()

    [(code, title)] = await open_cases(sides)
    assert code == "SEC-CRED"
    assert "Acme Ltd (partner of dock): " in title
    assert f"ends on {NOW + timedelta(days=20):%Y-%m-%d}" in title
    await sides.change(certificates=(soon.decode(), certificate("shop")))
    await sides.as2.expiry.watch()
    assert await open_cases(sides) == []


async def test_the_same_message_many_times_at_once_has_one_effect(sides: Sides) -> None:
    await sides.agree()
    raw = await sides.raw_of((await sides.intend()).message)

    answers = await asyncio.gather(*(bring(sides.acmes, raw) for _ in range(12)))

    assert {one.status for one in answers} == {200}
    assert len({one.body for one in answers}) == 1
    assert [one.state for one in await sides.taken()] == [MessageState.TAKEN]
    assert len(await sides.events(ACME, RECEIVED)) == 1


async def test_one_message_is_sent_by_one_worker_at_a_time(sides: Sides) -> None:
    await sides.agree()
    intended = await sides.intend()

    await asyncio.gather(*(sides.as2.posting.post_due() for _ in range(4)))

    found = (await sides.as2.messages.show(MAIN, intended.message)).kept
    assert (found.state, found.attempts) == (MessageState.PROVEN, 1)
