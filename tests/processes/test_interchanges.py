"""Interchanges of partners: taken in once, answered, matched, and set aside if nobody knows."""

import asyncio
from datetime import timedelta

import pytest

from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import (
    Acknowledgment,
    Direction,
    DocumentCount,
    Identity,
    IdentityKind,
    InterchangeAcknowledged,
    InterchangeReceived,
    InterchangeWritten,
    OnboardingState,
    Standard,
)
from crossdock.connectivity.interchanges import Wanted
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.processes.exchanged import (
    OWN,
    THEIRS,
    Traders,
    order,
    orders,
    said_997,
    x12,
    x12_set,
)

SAID_OF_OTHERS = """
insert into edi_statement (tenant, interchange, place, standard, sender, receiver, about, verdict,
    about_control, functional_id, group_control, document, control, codes)
select tenant, 'ixc_0', n, standard, sender, receiver, about, verdict, about_control,
    functional_id, (1000 + n)::text, document, control, codes
from edi_statement, generate_series(1, $2::integer) n where interchange = $1
"""


@pytest.fixture
def traders(database: Database, clock: VirtualClock) -> Traders:
    return Traders(database, clock, Scope("main"))


async def test_an_order_is_taken_in_kept_to_the_byte_and_answered(traders: Traders) -> None:
    partner = await traders.live()
    body = x12(1, order())

    taken = await traders.one(body)

    assert (taken.state, taken.partner, taken.documents) == ("TAKEN", partner.partner, {"850": 1})
    assert (await traders.text(taken.interchange)).encode() == body
    answer = await traders.text(taken.answer)
    assert "ST*997*0001~AK1" in answer.replace("\n", "")
    assert "AK9*A*1*1*1~" in answer
    assert answer.startswith("ISA*00*          *00*          *ZZ*SELLER         *ZZ*BUYER ")
    whole = await traders.gateway.exchanged.show(traders.scope, taken.interchange)
    assert whole.answered_by == taken.answer
    [document] = whole.documents
    assert (document.document, document.state, document.segments) == ("850", "TAKEN", 5)
    received = [one for one in await traders.told() if isinstance(one, InterchangeReceived)]
    assert (received[-1].interchange, received[-1].documents) == (
        taken.interchange, (DocumentCount("850", 1),)
    )  # fmt: skip
    written = [one for one in await traders.told() if isinstance(one, InterchangeWritten)]
    assert (written[-1].interchange, written[-1].answers) == (taken.answer, taken.interchange)


async def test_the_same_file_twice_has_one_effect_and_one_answer(traders: Traders) -> None:
    await traders.live()
    body = x12(1, order())
    first = await traders.one(body)
    told = len(await traders.told())

    again = await traders.one(body)

    assert (again.state, again.interchange, again.answer) == (
        "REPEATED", first.interchange, first.answer
    )  # fmt: skip
    assert len(await traders.told()) == told
    whole = await traders.gateway.exchanged.show(traders.scope, first.interchange)
    assert whole.interchange.repeats == 1


async def test_the_same_file_at_once_has_one_effect(traders: Traders) -> None:
    await traders.live()
    body = x12(1, order())

    found = await asyncio.gather(*(traders.one(body) for _ in range(5)))

    assert sorted(one.state for one in found) == [*["REPEATED"] * 4, "TAKEN"]
    assert len({one.interchange for one in found}) == 1


async def test_a_number_used_before_is_refused_with_other_content(traders: Traders) -> None:
    await traders.live()
    await traders.one(x12(1, order()))

    refused = await traders.one(x12(1, order("4712")))

    assert (refused.state, refused.code, refused.rejected) == ("REFUSED", "ISA13-REPEATED", 1)
    answer = await traders.text(refused.answer)
    assert "TA1*000000001*261128*0510*R*025~" in answer
    assert "AK1" not in answer


async def test_a_set_sent_anew_in_another_interchange_is_not_taken_again(
    traders: Traders,
) -> None:
    await traders.live()
    await traders.one(x12(1, order("a", "0001"), order("b", "0002")))

    again = await traders.one(x12(2, order("b", "0002"), order("c", "0003"), group=2))

    assert (again.state, again.repeated, again.rejected) == ("TAKEN", 1, 0)
    assert "AK9*A*2*2*2~" in await traders.text(again.answer)
    whole = await traders.gateway.exchanged.show(traders.scope, again.interchange)
    assert [one.state for one in whole.documents] == ["REPEATED", "TAKEN"]
    assert "DOCUMENT-REPEATED" in {one["code"] for one in whole.findings}
    received = [one for one in await traders.told() if isinstance(one, InterchangeReceived)]
    assert (received[-1].documents, received[-1].repeated) == ((DocumentCount("850", 1),), 1)


async def test_a_file_cut_off_is_refused_and_may_be_sent_again_whole(traders: Traders) -> None:
    await traders.live()
    body = x12(1, order())

    cut = await traders.one(body[:-20])
    whole = await traders.one(body)

    assert (cut.state, cut.code, cut.rejected) == ("REFUSED", "IEA-MISSING", 1)
    assert whole.state == "TAKEN"


async def test_an_unknown_sender_is_set_aside_and_taken_in_once_he_is_known(
    traders: Traders,
) -> None:
    buyer = await traders.live()
    body = x12(7, order(), sender=("12", "5551234"))

    held = await traders.one(body)

    assert (held.state, held.code, held.answer) == ("QUARANTINED", "SENDER-UNKNOWN", "")
    [case] = await traders.open_cases()
    assert (case.code, case.owner_role, case.entity) == ("SEC-PARTNER", "Security", "12:5551234")
    assert (await traders.one(body)).state == "REPEATED"
    still = await traders.gateway.interchanges.replay(traders.scope, held.interchange)
    assert still.state == "QUARANTINED"
    identity = Identity(IdentityKind.ISA, "5551234", "12")
    await traders.gateway.partners.identify(traders.scope, buyer.partner, identity, by="Eve")

    [taken] = await traders.gateway.interchanges.replay_held(traders.scope)

    assert (taken.interchange, taken.state) == (held.interchange, "TAKEN")
    assert "AK9*A" in await traders.text(taken.answer)
    assert await traders.open_cases() == []
    with pytest.raises(Conflict, match="not set aside"):
        await traders.gateway.interchanges.replay(traders.scope, held.interchange)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (x12(1, order(), receiver=("ZZ", "NOBODY")), "RECEIVER-UNKNOWN"),
        (x12(1, order(), receiver=THEIRS), "RECEIVER-UNKNOWN"),
        (x12(1, order(), sender=OWN, receiver=THEIRS), "SENDER-OWN"),
    ],
)
async def test_what_is_not_addressed_to_the_house_is_set_aside(
    traders: Traders, body: bytes, code: str
) -> None:
    await traders.live()

    held = await traders.one(body)

    assert (held.state, held.code) == ("QUARANTINED", code)


async def test_a_partner_sends_tests_once_connected_and_all_once_live(traders: Traders) -> None:
    await traders.own()
    one = await traders.entered("Buyer", (PartyRole.CUSTOMER,), *THEIRS)
    await traders.agree(one)
    invited = await traders.one(x12(1, order("a"), usage="T"))
    await traders.advance(one, OnboardingState.CONNECTED)
    real = await traders.one(x12(2, order("b")))
    test = await traders.one(x12(3, order("c"), usage="T"))

    assert [each.code or each.state for each in (invited, real, test)] == [
        "PARTNER-NOT-CONNECTED", "PARTNER-NOT-LIVE", "TAKEN"
    ]  # fmt: skip


async def test_missing_control_numbers_are_shown_until_they_come(traders: Traders) -> None:
    await traders.live()
    for control in (901, 905, 903):
        await traders.one(x12(control, order(str(control))))

    [pair] = await traders.gateway.exchanged.missing(traders.scope)

    assert (pair.sender, pair.highest, pair.gaps) == ("ZZ:BUYER", 905, [(902, 902), (904, 904)])
    for control in (902, 904):
        await traders.one(x12(control, order(str(control))))
    assert await traders.gateway.exchanged.missing(traders.scope) == []


async def test_answers_are_numbered_one_behind_the_other(traders: Traders) -> None:
    await traders.live()  # its test was answered by number 1
    answers = [(await traders.one(x12(n, order(str(n))))).answer for n in (1, 2, 3)]

    texts = [await traders.text(one) for one in answers]

    assert [text[90:99] for text in texts] == ["000000002", "000000003", "000000004"]


async def test_acknowledgments_are_never_acknowledged(traders: Traders) -> None:
    await traders.live()
    ta1 = "TA1*000000001*261128*0510*A*000~"

    answered = [
        await traders.one(x12(1, said_997(5), functional="FA", wants=1)),
        await traders.one(x12(2, beside=ta1, wants=1)),
    ]

    assert [one.state for one in answered] == ["TAKEN", "TAKEN"]
    assert "AK1" not in await traders.text(answered[0].answer)  # the TA1 that it asks for alone
    assert answered[1].answer == ""


async def test_an_agreement_says_how_a_document_is_answered(traders: Traders) -> None:
    partner = await traders.live()
    await traders.agree(partner, ack=Acknowledgment.X999)
    as_999 = await traders.one(x12(1, order("a")))
    await traders.agree(partner, ack=Acknowledgment.NONE)
    silent = await traders.one(x12(2, order("b")))

    assert "ST*999*0001~" in await traders.text(as_999.answer)
    assert silent.answer == ""


async def test_edifact_is_taken_in_by_the_gln_of_its_sender(traders: Traders) -> None:
    partner = await traders.live()
    for one, whose in (
        (Identity(IdentityKind.GLN, "4012345000009"), "Buyer"),
        (Identity(IdentityKind.UNB, "SELLER", "ZZ"), "Own House"),
    ):
        await traders.gateway.partners.identify(traders.scope, whose, one, by="Eve")

    taken = await traders.one(orders("17"))
    wrong = await traders.one(orders("18", date="20261328"))
    other = await traders.one(orders("17", date="20261127"))

    assert (taken.state, taken.partner, taken.standard) == ("TAKEN", partner.partner, "EDIFACT")
    assert "UCI+17+4012345000009:14+SELLER:ZZ+7'" in await traders.text(taken.answer)
    assert (wrong.state, wrong.rejected) == ("TAKEN", 1)
    assert "UCM+1+ORDERS:D:96A:UN:EAN008+4'" in await traders.text(wrong.answer)
    assert (other.state, other.code) == ("REFUSED", "UNB05-REPEATED")
    assert "UCI+17+4012345000009:14+SELLER:ZZ+4+26+UNB+6'" in await traders.text(other.answer)


async def sent_order(traders: Traders, number: int, *sets: str) -> str:
    body = x12(number, *(sets or (order(str(number)),)), group=number, sender=OWN, receiver=THEIRS)
    return (await traders.sent(body)).interchange


async def states(traders: Traders, interchange: str) -> list[str]:
    whole = await traders.gateway.exchanged.show(traders.scope, interchange)
    return [one.state for one in whole.documents]


async def test_a_997_settles_what_was_sent_and_nothing_is_overdue(traders: Traders) -> None:
    partner = await traders.live()
    await traders.agree(partner, direction=Direction.OUT, within=60)
    name = await sent_order(traders, 40, order("a", "0001"), order("b", "0002"))

    await traders.one(x12(1, said_997(40), functional="FA"))

    assert await states(traders, name) == ["ACCEPTED", "ACCEPTED"]
    acknowledged = [
        one for one in await traders.told() if isinstance(one, InterchangeAcknowledged)
    ]
    [one] = acknowledged
    assert (one.interchange, one.accepted, one.rejected) == (name, 2, 0)
    await traders.clock.advance(timedelta(hours=2))
    await traders.gateway.overdue.watch()
    assert await traders.open_cases() == []


async def test_a_997_for_each_group_of_an_interchange_is_told_of_whole(traders: Traders) -> None:
    partner = await traders.live()
    await traders.agree(partner, direction=Direction.OUT, within=60)
    first = x12(40, order("a"), group=40, sender=OWN, receiver=THEIRS).decode()
    second = x12(40, order("b"), group=41, sender=OWN, receiver=THEIRS).decode()
    more = second[second.index("GS*") : second.index("IEA*")]
    both = first.replace("IEA*1*", f"{more}IEA*2*").encode()
    name = (await traders.sent(both)).interchange

    said = said_997(40), said_997(41).replace("*0001~", "*0002~")
    await traders.one(x12(1, *said, functional="FA"))

    assert await states(traders, name) == ["ACCEPTED", "ACCEPTED"]
    [one] = [one for one in await traders.told() if isinstance(one, InterchangeAcknowledged)]
    assert (one.interchange, one.accepted, one.rejected) == (name, 2, 0)


async def test_what_was_said_of_others_is_in_nobodys_way(traders: Traders) -> None:
    """A partner acknowledges what another system has sent, too: nobody here knows it ever."""
    partner = await traders.live()
    await traders.agree(partner, direction=Direction.OUT, within=60)
    early = await traders.one(x12(1, said_997(41), functional="FA"))
    async with traders.database.transaction(traders.scope) as tx:
        await tx.execute(SAID_OF_OTHERS, early.interchange, 50_000)

    first = await sent_order(traders, 40)
    await traders.one(x12(2, said_997(40), functional="FA"))
    second = await sent_order(traders, 41)

    assert await states(traders, first) == ["ACCEPTED"]
    assert await states(traders, second) == ["ACCEPTED"]


async def test_a_refused_set_is_a_case(traders: Traders) -> None:
    partner = await traders.live()
    await traders.agree(partner, direction=Direction.OUT, within=60)
    name = await sent_order(traders, 40, order("a", "0001"), order("b", "0002"))

    partly = said_997(40, "P", ("850", "0002", "R"), ("850", "0001", "A"))
    await traders.one(x12(1, partly, functional="FA"))

    assert await states(traders, name) == ["ACCEPTED", "REJECTED"]
    [case] = await traders.open_cases()
    assert (case.code, case.entity, case.evidence["rejected"]) == ("TGT-REJECT", name, 1)
    shown = await traders.gateway.partners.show(traders.scope, partner.partner)
    assert shown.next == ""


async def test_an_acknowledgment_before_we_know_of_the_sending_is_kept(traders: Traders) -> None:
    partner = await traders.live()
    await traders.agree(partner, direction=Direction.OUT, within=60)
    await traders.one(x12(1, said_997(40), functional="FA"))

    name = await sent_order(traders, 40)

    assert await states(traders, name) == ["ACCEPTED"]


async def test_what_is_not_acknowledged_in_time_is_a_case_until_it_is(traders: Traders) -> None:
    partner = await traders.live()
    await traders.agree(partner, direction=Direction.OUT, within=60)
    name = await sent_order(traders, 40)
    await traders.gateway.overdue.watch()
    assert await traders.open_cases() == []

    await traders.clock.advance(timedelta(minutes=61))
    await traders.gateway.overdue.watch()
    await traders.gateway.overdue.watch()

    [case] = await traders.open_cases()
    assert (case.code, case.entity, case.count) == ("PO-TRANSMIT", name, 1)
    assert case.title == "no 997 came for interchange 000000040 (850)"
    await traders.one(x12(1, said_997(40), functional="FA"))
    assert await traders.open_cases() == []


async def test_a_ta1_that_refuses_an_interchange_refuses_its_documents(traders: Traders) -> None:
    partner = await traders.live()
    await traders.agree(partner, direction=Direction.OUT, within=60)
    first, second = await sent_order(traders, 40), await sent_order(traders, 41)
    taken, refused = (
        f"TA1*0000000{number}*261128*0510*{status}~"
        for number, status in ((40, "A*000"), (41, "R*025"))
    )

    await traders.one(x12(1, beside=taken + refused))

    assert (await states(traders, first), await states(traders, second)) == (
        ["SENT"], ["REJECTED"]
    )  # fmt: skip


async def test_a_contrl_settles_messages_of_edifact(traders: Traders) -> None:
    partner = await traders.live()
    for one, whose in (
        (Identity(IdentityKind.UNB, "SELLER", "ZZ"), "Buyer"),
        (Identity(IdentityKind.GLN, "4012345000009"), "Own House"),
    ):
        await traders.gateway.partners.identify(traders.scope, whose, one, by="Eve")
    edifact = Standard.EDIFACT
    await traders.agree(
        partner, "ORDERS", Direction.OUT, edifact, ack=Acknowledgment.CONTRL, within=30
    )
    first = (await traders.sent(orders("17"))).interchange
    second = (await traders.sent(orders("18"))).interchange
    contrl = (
        "UNB+UNOC:3+SELLER:ZZ+4012345000009:14+261128:0600+{0}'UNH+1+CONTRL:D:3:UN'"
        "UCI+{1}+4012345000009:14+SELLER:ZZ+7'{2}UNT+{3}+1'UNZ+1+{0}'"
    )
    refused = "UCM+1+ORDERS:D:96A:UN+4'"

    await traders.one(contrl.format(1, 17, "", 3).encode())
    await traders.one(contrl.format(2, 18, refused, 4).encode())

    assert (await states(traders, first), await states(traders, second)) == (
        ["ACCEPTED"], ["REJECTED"]
    )  # fmt: skip


async def test_what_was_sent_is_ours_and_its_number_is_used_once(traders: Traders) -> None:
    await traders.live()
    with pytest.raises(Invalid, match="no company of the house"):
        await traders.sent(x12(40, order(), sender=THEIRS, receiver=OWN))
    with pytest.raises(Invalid, match="nobody's identity"):
        await traders.sent(x12(40, order(), sender=OWN, receiver=("ZZ", "NOBODY")))
    name = await sent_order(traders, 40)

    assert await sent_order(traders, 40) == name
    told = [one for one in await traders.told() if isinstance(one, InterchangeWritten)]
    assert [one.interchange for one in told if one.is_sent] == [name]
    with pytest.raises(Conflict, match="with other content"):
        await sent_order(traders, 40, order("other"))


async def test_several_interchanges_of_a_file_are_each_for_themselves(traders: Traders) -> None:
    await traders.live()
    file = x12(1, order("a")) + b"\r\n" + x12(2, order("b"), sender=("ZZ", "X")) + b"junk "
    file += x12(3, order("c"))

    told = await traders.receive(*(file[at : at + 40] for at in range(0, len(file), 40)))

    assert [one.state for one in told.interchanges] == ["TAKEN", "QUARANTINED", "TAKEN"]
    assert [one.code for one in told.beside] == ["JUNK"]


async def test_interchanges_are_found_by_what_is_said_of_them(traders: Traders) -> None:
    partner = await traders.live()
    taken = await traders.one(x12(12, order()))
    exchanged, scope = traders.gateway.exchanged, traders.scope

    async def names(wanted: Wanted, after: str = "") -> list[str]:
        return [one.interchange for one in await exchanged.find(scope, wanted, after=after)]

    assert await names(Wanted(control="12")) == [taken.interchange]
    assert await names(Wanted(document="997", partner=partner.partner)) == (
        await names(Wanted(direction="OUT", state="WRITTEN"))
    )
    every = await names(Wanted())
    assert len(every) == 4
    assert await names(Wanted(), after=every[1]) == every[2:]
    assert await names(Wanted(state="QUARANTINED")) == []
    with pytest.raises(NotFound):
        await exchanged.show(scope, "ixc_0")
    with pytest.raises(NotFound):
        await exchanged.body(scope, "")


@pytest.mark.parametrize("body", [b"", b"hello", b"\x00" * 100, b"ISA", b"UNH+1"])
async def test_a_file_without_an_interchange_is_refused_and_nothing_kept(
    traders: Traders, body: bytes
) -> None:
    with pytest.raises(Invalid, match="no interchange"):
        await traders.receive(body)

    assert await traders.gateway.exchanged.find(traders.scope, Wanted()) == []


async def test_a_set_of_bytes_that_no_text_may_hold_is_kept(traders: Traders) -> None:
    await traders.live()
    wild = x12_set("850", ("BEG*00*SA*\x00\x01\x7f**2026", "XX*\x00"), "\x00\x02")

    found = await traders.one(x12(1, wild, sender=("ZZ", "BUYER")))

    assert (found.state, found.rejected) == ("TAKEN", 1)


async def test_who_goes_live_may_begin_anew_with_what_he_tested(traders: Traders) -> None:
    await traders.live()
    tested = await traders.one(x12(1, order(), usage="T"))

    real = await traders.one(x12(1, order()))

    assert [(one.state, one.repeated) for one in (tested, real)] == [("TAKEN", 0)] * 2
    numbers = [(await traders.text(one.answer))[90:99] for one in (tested, real)]
    assert numbers == ["000000002", "000000003"]
