"""`crossdock stock atp` as a person reads it, and what it refuses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crossdock.assembly import Hub
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    KitChanged,
    KitComponent,
    LotChanged,
)
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence, SupplyKind
from tests.interfaces.cli_commands.conftest import CommandLine


def fact(identity: str, payload: Payload) -> Fact:
    return Fact(identity=identity, payload=payload, occurred_at=datetime(2026, 5, 4, tzinfo=UTC))


@pytest.fixture
async def coming(hub: Hub) -> Hub:
    """Ten bolts in DC1, fifty at its dock, twenty ordered and not answered."""
    await hub.put_stock("BOLT", "DC1", 10)
    now = hub.clock.now()
    said = [("asn:1", 50, SupplyEvidence.ARRIVED), ("po:2", 20, SupplyEvidence.SENT)]
    facts = [
        Fact(
            identity=name,
            occurred_at=now,
            payload=SupplyCommitmentChanged(
                supply_id=name,
                kind=SupplyKind.ASN_LINE,
                item="BOLT",
                location="DC1",
                open_quantity=Quantity.of(pieces),
                evidence=evidence,
                eta=now.date() + timedelta(days=1),
            ),
        )
        for name, pieces, evidence in said
    ]
    await hub.record(facts, source="erp")
    return hub


@pytest.mark.usefixtures("coming")
async def test_a_promise_is_told_with_its_parts_and_its_reasons(
    crossdock: CommandLine,
) -> None:
    await crossdock("stock", "atp-rule", "*", "*", "--weekdays", "1234567")
    said = await crossdock("stock", "atp", "bolt@dc1", "--quantity", "70", "--by", "2030-01-01")

    assert said.code == 1  # one has no date
    assert "BOLT at DC1: 60 EA now" in said.out
    assert "70 EA: no date, stock and supply end, and it is not replenished" in said.out
    assert "never       10 EA" in said.out
    assert "by 2030-01-01: 60 EA" in said.out
    assert "A asn:1 50 EA: 50 EA on " in said.out
    assert "D po:2 20 EA: does not count; it is sent and not acknowledged" in said.out


@pytest.mark.usefixtures("coming")
async def test_what_is_there_has_a_date_and_exit_code_zero(
    crossdock: CommandLine,
) -> None:
    said = await crossdock("stock", "atp", "BOLT@DC1", "BOLT@DC1", "--quantity", "5", "--json")

    assert said.code == 0
    assert [answer["basis"] for answer in said.json["answers"]] == ["SUPPLY", "SUPPLY"]


async def test_what_a_kit_is_made_of_is_told(crossdock: CommandLine, coming: Hub) -> None:
    component = KitComponent(item="BOLT", quantity=Quantity.of(4))
    kit = KitChanged(item="BAG", quantity=Quantity.of(1), components=(component,))
    await coming.record([fact("item", ItemChanged(sku="BAG"))], source="erp")
    await coming.record([fact("kit", kit)], source="erp")
    await coming.put_stock("BAG", "DC1", 1)
    said = await crossdock("stock", "atp", "BAG@DC1", "--quantity", "99")
    assert "4 EA of BOLT at DC1: " in said.out
    assert "A asn:1 50 EA: 50 EA on " in said.out


async def test_unknown_is_told_apart_from_zero(crossdock: CommandLine, coming: Hub) -> None:
    await coming.put_stock("NUT", "DC2", 1)
    said = await crossdock("stock", "atp", "NUT@DC1")
    assert "what lies there is unknown" in said.out


@pytest.mark.usefixtures("coming")
async def test_a_rule_is_read_from_options_and_a_file(crossdock: CommandLine) -> None:
    classes = [{"confidence": "C", "percent": 80, "buffer_days": 3}]
    file = crossdock.write("rule.json", {"classes": classes, "lead_time_days": 3})
    said = await crossdock(
        "stock", "atp-rule", "BOLT", "*", "--file", file, "--lead-time", "9", "--replenishable"
    )
    assert "lead_time_days 9, C 80 % +3" in said.out
    listed = await crossdock("stock", "atp-rules")
    assert "is_replenishable True, lead_time_days 9, C 80 % +3" in listed.out

    assert "taken back" in (await crossdock("stock", "drop-atp-rule", "BOLT", "*")).out
    assert (await crossdock("stock", "drop-atp-rule", "BOLT", "*")).code == 1
    assert "no rules yet" in (await crossdock("stock", "atp-rules")).out


@pytest.mark.usefixtures("coming")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("atp", "BOLT"), "is not ITEM@LOCATION"),
        (("atp", "BOLT@DC1", "--quantity", "0"), "more than zero is wanted"),
        (("atp", "BOLT@DC1", "--by", "soon"), "is no day"),
        (("atp", "NOBODY@DC1"), "no item is called"),
        (("atp-rule", "NOBODY", "*"), "no item is called"),
        (("atp-rule", "*", "*", "--weekdays", "9"), "names no working days"),
        (("atp-rule", "*", "*", "--file", "bad.json"), "a rule says nothing of 'colour'"),
        (("atp-rule", "*", "*", "--file", "odd.json"), "this is no rule"),
        (("put-substitutes", "BOLT", "--file", "bad.json"), "/alternatives"),
        (("put-substitutes", "NOBODY", "--file", "none.json"), "no item is called"),
        (("substitutes", "--after", "BOLT"), "is not ITEM/VERSION"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_reason(
    crossdock: CommandLine, words: tuple[str, ...], reason: str
) -> None:
    crossdock.write("bad.json", {"colour": "red"})
    crossdock.write("odd.json", {"mode": "HOPEFUL"})
    crossdock.write("none.json", {"alternatives": []})
    said = await crossdock("stock", *words)
    assert said.code == 2
    assert reason in said.err


async def test_what_stands_in_is_put_listed_and_proposed(
    crossdock: CommandLine, coming: Hub
) -> None:
    await coming.put_stock("NUT", "DC1", 100)
    assert "nothing stands in for anything" in (await crossdock("stock", "substitutes")).out
    nut = {"item": "NUT", "numerator": 3, "denominator": 2, "is_two_way": True}
    last = {"item": "GONE", "kind": "SUPERSESSION", "valid_from": "2999-01-01"}
    await coming.put_stock("GONE", "DC1", 100)
    file = crossdock.write("rule.json", {"alternatives": [nut, last]})
    said = await crossdock("stock", "put-substitutes", "bolt", "--file", file)
    assert (
        "BOLT, version 1: followed by 1 EA of GONE from 2999-01-01; or 3/2 EA of NUT" in said.out
    )
    listed = await crossdock("stock", "substitutes", "--item", "BOLT", "--json")
    assert [one["version"] for one in listed.json["substitutions"]] == [1]
    assert "both ways" in (await crossdock("stock", "substitutes")).out

    asked = await crossdock("stock", "atp", "BOLT@DC1", "--quantity", "70")
    assert "NUT covers 10 EA: 15 EA on time; " in asked.out
    assert "(rule of BOLT, version 1)" in asked.out
    assert "propose 60 EA of BOLT" in asked.out
    empty = crossdock.write("empty.json", {"alternatives": []})
    put = await crossdock("stock", "put-substitutes", "BOLT", "--file", empty, "--json")
    assert (put.json["version"], put.json["alternatives"]) == (2, [])


async def test_what_answers_are_made_from_is_listed(crossdock: CommandLine, coming: Hub) -> None:
    for command, nothing in (
        ("kits", "nothing is a kit"),
        ("lots", "nobody said until when a lot keeps"),
        ("weights", "nothing is sold by weight"),
    ):
        assert nothing in (await crossdock("stock", command)).out
    assert "nothing is to come" in (await crossdock("stock", "supply", "--item", "NUT")).out
    await coming.put_stock("NUT", "DC1", 1)
    part = KitComponent(item="NUT", quantity=Quantity.of(2))
    day = datetime(2030, 1, 1, tzinfo=UTC).date()
    goods: list[Payload] = [
        KitChanged(item="BOLT", quantity=Quantity.of(1), components=(part,)),
        LotChanged(item="BOLT", lot="L7", expires_on=day),
        CatchWeightChanged(item="NUT", nominal=Quantity.of("2.5", "KGM"), low_percent=10),
    ]
    await coming.record([fact(str(number), one) for number, one in enumerate(goods)])

    supply = (await crossdock("stock", "supply", "--item", "bolt", "--location", "dc1")).out
    assert all(word in supply for word in ("asn:1", "50 EA", "ARRIVED", "po:2", "SENT", "erp"))
    assert "2 EA of NUT" in (await crossdock("stock", "kits")).out
    assert "2030-01-01" in (await crossdock("stock", "lots", "--item", "BOLT")).out
    assert "2.5 KGM" in (await crossdock("stock", "weights")).out
    page = (await crossdock("stock", "supply", "--after", "asn:1", "--json")).json["supply"]
    assert [one["supply_id"] for one in page] == ["po:2"]
    behind = await crossdock("stock", "lots", "--after", "BOLT", "--after-lot", "L7", "--json")
    assert behind.json == {"lots": []}


async def test_a_suppliers_fill_is_shown(crossdock: CommandLine, coming: Hub) -> None:
    assert "no line of ACME ended lately" in (await crossdock("stock", "fill", "acme")).out
    ended = SupplyCommitmentChanged(
        supply_id="po:9",
        kind=SupplyKind.PO_SCHEDULE,
        item="BOLT",
        location="DC1",
        open_quantity=Quantity.of(0),
        supplier="ACME",
        acknowledged=Quantity.of(60),
        received=Quantity.of(45),
    )
    at = datetime(2099, 1, 1, tzinfo=UTC)
    await coming.record([replace(fact("ended", ended), occurred_at=at)])

    shown = (await crossdock("stock", "fill", "acme")).out
    assert all(word in shown for word in ("po:9", "BOLT", "60", "45", "75"))
    assert "ACME: 75 % (P10 of 1 line, rules need 10)" in shown
    told = (await crossdock("stock", "fill", "acme", "--json")).json
    assert (told["percent"], told["is_enough"], len(told["lines"])) == (75, False, 1)


async def test_lots_picks_and_weights_are_told(crossdock: CommandLine, coming: Hub) -> None:
    lots = LotChanged(item="BOLT", lot="OLD", expires_on=datetime(2020, 1, 1, tzinfo=UTC).date())
    weight = CatchWeightChanged(item="BOLT", nominal=Quantity.of(2, "KGM"), high_percent=50)
    await coming.record([fact("lot", lots), fact("weight", weight)], source="erp")
    said = await crossdock("stock", "atp", "BOLT@DC1", "--quantity", "5", "--transit-days", "2")
    assert "pick on " in said.out
    assert "5 EA of lot (none)" in said.out
    assert "5 EA weigh about 10 KGM (10 to 15), an estimate" in said.out
    careful = await crossdock(
        "stock", "atp", "BOLT@DC1", "--quantity", "5", "--life-days", "30", "--customer", "METRO"
    )
    assert careful.code == 1
    assert "lot (none) 10 EA: does not count; nobody told how long it keeps" in careful.out


@pytest.mark.usefixtures("coming")
async def test_lives_and_owners_of_a_rule_are_told(crossdock: CommandLine) -> None:
    lives = [{"customer": "METRO", "channel": "web", "days": 30, "transit_days": 3}, {"days": 9}]
    rule = {"lives": lives, "owners": [{"owner": "ACME", "is_first": True}, {"owner": "B"}]}
    said = await crossdock(
        "stock", "atp-rule", "BOLT", "*", "--file", crossdock.write("rule.json", rule)
    )
    assert "life for METRO in web 30 after 3, life for all 9 after 0" in said.out
    assert "goods of ACME first, goods of B last" in said.out


async def test_a_promise_is_kept_of_goods_that_keep_as_long_as_its_customer_needs(
    crossdock: CommandLine, hub: Hub
) -> None:
    """Of goods that nobody told the lot of, none are known to keep."""
    await hub.put_stock("BOLT", "DC1", 9)
    expires_on = hub.clock.now().date() + timedelta(days=100)
    lot = LotChanged(item="BOLT", lot="L1", expires_on=expires_on)
    await hub.record([fact("lot", lot)], source="wms")
    lives = [{"customer": "METRO", "days": 30}, {"channel": "key", "days": 20}]
    file = crossdock.write("lives.json", {"lives": lives})
    await crossdock("stock", "atp-rule", "BOLT", "*", "--file", file)

    async def promised(*asked: str) -> int:
        named = ("--request", "-".join(("r", *asked)))
        return (await crossdock("stock", "promise", "BOLT", "DC1", "1", *named, *asked)).code

    assert await promised("--life-days", "5", "--transit-days", "2") == 1
    assert await promised("--customer", "metro") == 1
    assert await promised("--channel", "key") == 1
    assert await promised("--customer", "EDEKA", "--channel", "web") == 0


async def test_a_calendar_is_said_piece_by_piece_and_shown_as_it_holds(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 1)
    shown = await crossdock("stock", "calendar", "dc1")
    assert shown.out == "DC1: works on 12345, cut-off none, hours not said, holidays none\n"

    days = ("--holiday", "2026-12-25", "--holiday", "2026-01-01")
    await crossdock("stock", "calendar", "DC1", *days)
    await crossdock("stock", "calendar", "*", "--weekdays", "123456")
    said = await crossdock("stock", "calendar", "DC1", "--cutoff", "15:30", "--json")
    assert said.json["hours"] == ""
    night = ("--hours", "22:00-06:00")
    said = await crossdock("stock", "calendar", "DC1", *night, "--json")
    assert said.json == {
        "location": "DC1",
        "weekdays": "123456",
        "holidays": ["2026-01-01", "2026-12-25"],
        "cutoff": "15:30",
        "hours": "22:00-06:00",
    }
    gone = await crossdock("stock", "calendar", "DC1", "--cutoff", "", "--holiday", "")
    assert gone.out == "DC1: works on 123456, cut-off none, hours 22:00-06:00, holidays none\n"
    always = await crossdock("stock", "calendar", "DC1", "--hours", "", "--json")
    assert always.json["hours"] == ""


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("DC1", "--weekdays", "18"), "/weekdays"),
        (("DC1", "--cutoff", "25:00"), "/cutoff"),
        (("DC1", "--hours", "8-17"), "/hours"),
        (("DC1", "--hours", "08:00-25:00"), "/hours"),
        (("DC1", "--holiday", "Christmas"), "/holidays/0"),
        (("NOWHERE", "--cutoff", "15:30"), "/location"),
    ],
)
async def test_a_calendar_that_is_none_is_refused_with_its_place(
    crossdock: CommandLine, hub: Hub, words: tuple[str, ...], where: str
) -> None:
    await hub.put_stock("BOLT", "DC1", 1)
    said = await crossdock("stock", "calendar", *words, "--json")
    assert (said.code, said.json["where"]) == (2, where), said


async def test_a_promise_by_date_is_explained_with_figures_pegs_and_once_more(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 9)
    made = await crossdock("stock", "promise", "BOLT", "DC1", "4", "--request", "r1", "--json")
    name = made.json["promise_id"]
    first = await crossdock("stock", "explain", name)
    await crossdock("stock", "atp-rule", "*", "*", "--weekdays", "67")
    await hub.put_stock("BOLT", "DC1", 1)

    again = await crossdock("stock", "explain", name)

    assert "derived once more: the same" in first.out
    assert "nettable 9, expired 0, hard 0, soft 0, safety 0" in first.out
    assert "4 EA out of what lies there" in first.out
    assert "balance" in first.out
    assert again.out == first.out
