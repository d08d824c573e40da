"""Partners and their interchanges over HTTP: entered, taken to production, exchanged with."""

import base64
from typing import Any

import pytest

from tests.interfaces.api.conftest import Answer, Caller, House
from tests.processes.exchanged import OWN, THEIRS, order, said_997, x12

PARTNERS, EDI = "/v1/partners", "/v1/edi/interchanges"
FILE = {"content-type": "application/edi-x12"}


async def entered(call: Caller) -> str:
    """Enter the house and a buyer, and connect him; give his id."""
    contact = {"name": "Ann", "email": "ann@example.com"}
    buyer = {"name": "Buyer", "roles": ["CUSTOMER"], "owner": "desk", "contacts": [contact]}
    for said, (qualifier, value) in (
        ({"name": "Own", "roles": ["LEGAL_ENTITY"]}, OWN),
        (buyer, THEIRS),
    ):
        put = await call("PUT", PARTNERS, said)
        assert put.status == 200, put.body
        identity = {"kind": "ISA", "value": value, "qualifier": qualifier}
        name = put.json["partner"]
        made = await call("POST", f"{PARTNERS}/{name}/identities", identity)
        assert made.status == 200, made.body
    agreed = {"standard": "X12", "document": "850", "direction": "IN", "acknowledgment": "997"}
    await call("POST", f"{PARTNERS}/Buyer/agreements", agreed)
    step = await call("POST", f"{PARTNERS}/Buyer/advance", {"to": "CONNECTED", "by": "Ann"})
    assert step.json["partner"]["state"] == "CONNECTED", step.body
    name = str(step.json["partner"]["partner"])
    assert name.startswith("prt_")
    return name


async def send(call: Caller, body: bytes, path: str = EDI, **more: Any) -> Answer:
    return await call("POST", f"{path}?name=f.edi", body, headers=FILE, **more)


async def test_a_partner_from_his_entry_to_production(call: Caller) -> None:
    name = await entered(call)
    early = await call("POST", f"{PARTNERS}/{name}/advance", {"to": "TESTED", "by": "Ann"})
    assert (early.status, early.json["code"]) == (409, "partner_gate")
    taken = await send(call, x12(1, order(), usage="T"))
    assert taken.json["interchanges"][0]["state"] == "TAKEN", taken.body

    for to, by in (("TESTED", "Ann"), ("APPROVED", "Bob"), ("LIVE", "Bob")):
        done = await call("POST", f"{PARTNERS}/{name}/advance", {"to": to, "by": by})
        # The key is held to be whoever it is named after, and it had the partner tested.
        if to == "APPROVED":
            assert (done.status, done.json["code"]) == (409, "partner_gate")
            break
        assert done.status == 200, done.body

    shown = (await call("GET", f"{PARTNERS}/{name}")).json
    assert (shown["partner"]["state"], shown["next"], shown["missing"]) == (
        "TESTED", "APPROVED", []
    )  # fmt: skip
    assert shown["partner"]["changed_by"] == "Ann (key test)"
    back = {"to": "INVITED", "because": "a new network"}
    assert (await call("POST", f"{PARTNERS}/{name}/set-back", back)).status == 200
    renamed = await call("POST", f"{PARTNERS}/{name}/name", {"name": "Buyer Inc"})
    assert renamed.json["name"] == "Buyer Inc"
    [listed] = (await call("GET", f"{PARTNERS}?role=CUSTOMER&state=INVITED")).json["partners"]
    assert listed == renamed.json


async def test_an_identity_of_another_is_a_conflict(call: Caller) -> None:
    await entered(call)

    taken = {"kind": "ISA", "value": "BUYER", "qualifier": "ZZ"}
    answer = await call("POST", f"{PARTNERS}/Own/identities", taken)

    assert (answer.status, answer.json["code"]) == (409, "identity_taken")


async def test_an_interchange_is_taken_in_once_and_shown_with_its_answer(call: Caller) -> None:
    name = await entered(call)
    body = x12(1, order(), usage="T")
    [first] = (await send(call, body)).json["interchanges"]

    [again] = (await send(call, body)).json["interchanges"]

    assert (first["state"], again["state"]) == ("TAKEN", "REPEATED")
    assert again["interchange"] == first["interchange"]
    whole = (await call("GET", f"{EDI}/{first['interchange']}")).json
    assert (whole["answered_by"], whole["interchange"]["name"]) == (first["answer"], "f.edi")
    assert whole["interchange"]["partner"] == name
    kept = (await call("GET", f"{EDI}/{first['interchange']}/body")).json["body"]
    assert base64.b64decode(kept) == body
    found = (await call("GET", f"{EDI}?direction=OUT&partner=buyer&document=997")).json
    assert [one["interchange"] for one in found["interchanges"]] == [first["answer"]]


async def test_what_is_set_aside_is_replayed(call: Caller) -> None:
    await entered(call)
    stranger = ("12", "5551234")
    [held] = (await send(call, x12(1, order(), sender=stranger, usage="T"))).json["interchanges"]
    assert (held["state"], held["code"]) == ("QUARANTINED", "SENDER-UNKNOWN")
    identity = {"kind": "ISA", "value": "5551234", "qualifier": "12"}
    await call("POST", f"{PARTNERS}/Buyer/identities", identity)

    one = await call("POST", f"{EDI}/{held['interchange']}/replay", {})

    assert one.json["state"] == "TAKEN", one.body
    assert (await call("POST", f"{EDI}/replay", {})).json["interchanges"] == []
    again = await call("POST", f"{EDI}/{held['interchange']}/replay", {})
    assert (again.status, again.json["code"]) == (409, "not_quarantined")


async def test_what_was_sent_is_settled_by_its_acknowledgment(call: Caller) -> None:
    await entered(call)
    said = {
        "standard": "X12", "document": "850", "direction": "OUT", "acknowledgment": "997",
        "within_minutes": 60,
    }  # fmt: skip
    assert (await call("POST", f"{PARTNERS}/Buyer/agreements", said)).status == 200
    out = x12(40, order(), group=40, sender=OWN, receiver=THEIRS)
    [sent] = (await send(call, out, "/v1/edi/sent")).json["interchanges"]

    await send(call, x12(3, said_997(40), functional="FA", usage="T"))
    await send(call, x12(5, order("x"), usage="T"))

    [document] = (await call("GET", f"{EDI}/{sent['interchange']}")).json["documents"]
    assert (document["state"], document["expects"]) == ("ACCEPTED", "997")
    [pair] = (await call("GET", "/v1/edi/numbers")).json["pairs"]
    assert (pair["sender"], pair["gaps"]) == ("ZZ:BUYER", [[4, 4]])


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
async def test_a_file_says_that_it_is_one(call: Caller, kind: str) -> None:
    answer = await call("POST", EDI, x12(1, order()), headers={"content-type": kind})

    assert (answer.status, answer.json["code"]) == (415, "media_type")


async def test_a_file_without_an_interchange_is_refused(call: Caller) -> None:
    answer = await send(call, b"\x00\xff{}")

    assert (answer.status, answer.json["code"]) == (422, "no_interchange")


async def test_a_reader_takes_nothing_in(call: Caller, house: House) -> None:
    reader = await house.key("partners:read", "messages:read")

    assert (await send(call, x12(1, order()), key=reader)).status == 403
    assert (await call("PUT", PARTNERS, {"name": "x"}, key=reader)).status == 403
    assert (await call("GET", PARTNERS, key=reader)).json == {"partners": []}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("identities", {"kind": "ISA", "value": "x"}),
        ("identities", {"kind": "FAX", "value": "x"}),
        ("identities", {"kind": "GLN", "value": "4012345000008"}),
        ("agreements", {"standard": "X12", "document": "850", "direction": "OUT",
                        "acknowledgment": "997"}),
        ("agreements", {"standard": "X12", "document": "850", "direction": "IN",
                        "within_minutes": True}),
        ("advance", {"to": "READY"}),
        ("set-back", {"to": "INVITED", "because": " "}),
        ("name", {"name": "\u0000"}),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused(call: Caller, path: str, body: Any) -> None:
    await entered(call)

    answer = await call("POST", f"{PARTNERS}/Buyer/{path}", body)

    assert answer.status in {400, 422}, answer.body
