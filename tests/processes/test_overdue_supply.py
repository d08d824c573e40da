"""What should have come and has not is somebody's, once, until it comes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence, SupplyKind
from crossdock.capabilities.supply import AtpRule, PlacedRule, Question
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from crossdock.orchestration.cases import Case
from tests.conftest import NOON

JOB = "watch overdue supply"
TODAY = NOON.date()
DAY = timedelta(days=1)
PO, ASN, TRANSFER = SupplyKind.PO_SCHEDULE, SupplyKind.ASN_LINE, SupplyKind.TRANSFER
SENT, SHIPPED = SupplyEvidence.SENT, SupplyEvidence.SHIPPED


class Buying:
    """A hub that hears what an ERP has ordered, and looks once an hour what of it is late."""

    def __init__(self, hub: Hub, clock: VirtualClock) -> None:
        self.hub = hub
        self.clock = clock
        self._told = 0

    async def hear(self, *said: Payload, source: str = "erp") -> None:
        facts: list[Fact] = []
        for one in said:
            self._told += 1
            facts.append(
                Fact(
                    identity=f"f{self._told}",
                    payload=one,
                    occurred_at=self.clock.now(),
                    version=self._told,
                )
            )
        await self.hub.record(facts, source=source)

    async def look(self, hours: int = 1) -> list[Case]:
        """Let so much time pass and the job run; give the open cases, by what they are about."""
        await self.clock.advance(timedelta(hours=hours))
        assert JOB in await self.hub.jobs.run_due()
        found = await self.hub.cases.find(self.hub.scope)
        return sorted(found, key=lambda one: one.entity)


@pytest.fixture
async def buying(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Buying]:
    settings = Settings(data_dir=tmp_path, dsn=SecretStr(dsn))
    async with Hub.open(settings, Outside(clock=clock)) as hub:
        buying = Buying(hub, clock)
        await buying.hear(ItemChanged(sku="BOLT"), LocationChanged(code="DC1"))
        yield buying


def due(
    name: str,
    eta: date | None,
    amount: int = 50,
    *,
    kind: SupplyKind = PO,
    evidence: SupplyEvidence = SENT,
    parent: str = "",
) -> SupplyCommitmentChanged:
    return SupplyCommitmentChanged(
        supply_id=name,
        kind=kind,
        item="BOLT",
        location="DC1",
        open_quantity=Quantity.of(amount),
        evidence=evidence,
        eta=eta,
        parent_supply_id=parent,
    )


async def test_a_purchase_is_the_buyers_once_its_day_is_over_everywhere(buying: Buying) -> None:
    await buying.hear(due("po:7/1", TODAY - DAY), due("po:7/2", TODAY))
    assert await buying.look() == []
    [case] = await buying.look(hours=24)
    assert (case.code, case.owner_role, case.severity) == ("PO-LATE", "Buyer", "S2")
    assert case.due_at - case.opened_at == DAY
    assert (case.entity, case.title) == (
        "po:7",
        f"late, and not shipped: po:7 was to come on {TODAY - DAY}, 1 line is still open",
    )
    assert case.evidence["open"] == [
        {
            "supply_id": "po:7/1",
            "source": "erp",
            "item": "BOLT",
            "location": "DC1",
            "open_in_base_unit": "50",
            "eta": str(TODAY - DAY),
            "evidence": "SENT",
        }
    ]


async def test_looking_again_adds_nothing_and_another_late_line_is_told(buying: Buying) -> None:
    await buying.hear(due("po:7/1", TODAY - 2 * DAY), due("po:7/2", TODAY - DAY))
    [first] = await buying.look()
    [again] = await buying.look()
    assert (again.count, again.evidence) == (1, first.evidence)
    [more] = await buying.look(hours=24)
    assert (more.count, more.evidence["lines"]) == (2, 2)
    assert more.case_id == first.case_id


@pytest.mark.parametrize("eta", [TODAY + 9 * DAY, None])
async def test_a_case_closes_itself_when_it_comes_or_gets_another_day(
    buying: Buying, eta: date | None
) -> None:
    await buying.hear(due("po:7/1", TODAY - 2 * DAY), due("po:8/1", TODAY - 2 * DAY))
    assert [one.entity for one in await buying.look()] == ["po:7", "po:8"]
    await buying.hear(due("po:7/1", eta), due("po:8/1", TODAY - 2 * DAY, 0))
    assert await buying.look() == []
    closed = await buying.hub.cases.find(buying.hub.scope, state="CLOSED")
    assert {one.resolution for one in closed} == {
        "nothing of it is overdue any more: it came, was cancelled or moved"
    }
    await buying.hear(due("po:7/1", TODAY - 2 * DAY))
    assert [one.entity for one in await buying.look()] == ["po:7"]


async def test_each_late_line_is_whose_it_is_by_its_kind_and_whether_it_was_shipped(
    buying: Buying,
) -> None:
    late = TODAY - 2 * DAY
    await buying.hear(
        due("asn:1/1", late, kind=ASN),
        due("tr:1/1", late, kind=TRANSFER, evidence=SHIPPED),
        due("tr:2/1", late, kind=TRANSFER),
        due("wo:3/1", late, kind=SupplyKind.ASSEMBLY),
        due("rma:4/1", late, kind=SupplyKind.RMA_EXPECTED, evidence=SHIPPED),
        due("po:5/1", late, 10, evidence=SHIPPED),
        due("po:5/2", late),
    )
    found = await buying.look()
    assert sorted((one.entity, one.code, one.owner_role) for one in found) == [
        ("asn:1", "SHP-LATE", "Transport"),
        ("po:5", "PO-LATE", "Buyer"),
        ("po:5", "SHP-LATE", "Transport"),
        ("rma:4", "RMA-LATE", "Returns"),
        ("tr:1", "SHP-LATE", "Transport"),
        ("tr:2", "FO-STUCK", "Warehouse"),
        ("wo:3", "FO-STUCK", "Warehouse"),
    ]


async def test_what_a_notice_announced_is_late_as_the_notices_alone(buying: Buying) -> None:
    """A29: 100 ordered, 30 received, a notice of 50: 20 are nobody's but the purchase's."""
    await buying.hear(
        due("po:7/1", TODAY - 2 * DAY, 70),
        due("asn:1/1", TODAY + DAY, kind=ASN, evidence=SHIPPED, parent="po:7/1"),
    )
    [case] = await buying.look()
    assert (case.entity, case.evidence["open"][0]["open_in_base_unit"]) == ("po:7", "20")
    await buying.hear(due("asn:1/1", TODAY + DAY, 70, kind=ASN, evidence=SHIPPED, parent="po:7/1"))
    assert await buying.look() == []


async def test_goods_at_the_dock_and_a_suppliers_own_stock_are_never_late(buying: Buying) -> None:
    late = TODAY - 9 * DAY
    await buying.hear(
        due("asn:1/1", late, kind=ASN, evidence=SupplyEvidence.ARRIVED),
        due("stock:1", late, kind=SupplyKind.VENDOR_STOCK),
    )
    assert await buying.look() == []


async def test_of_two_sources_the_last_word_says_whether_it_is_late(buying: Buying) -> None:
    await buying.hear(due("po:7/1", TODAY - 2 * DAY))
    await buying.clock.advance(timedelta(minutes=1))
    await buying.hear(due("po:7/1", TODAY + 5 * DAY), source="portal")
    assert await buying.look() == []


async def test_a_notice_that_two_sources_tell_is_taken_off_its_purchase_once(
    buying: Buying,
) -> None:
    notice = due("asn:1/1", TODAY + DAY, 50, kind=ASN, evidence=SHIPPED, parent="po:7/1")
    await buying.hear(due("po:7/1", TODAY - 2 * DAY, 100), notice)
    await buying.clock.advance(timedelta(minutes=1))
    await buying.hear(notice, source="wms")
    [case] = await buying.look()
    assert case.evidence["open"][0]["open_in_base_unit"] == "50"


async def test_a_notice_whose_purchase_has_come_is_not_late(buying: Buying) -> None:
    """The receipt was booked on the purchase: nothing of the notice is to come (I9)."""
    await buying.hear(
        due("po:7/1", TODAY - 2 * DAY, 0),
        due("asn:1/1", TODAY - 2 * DAY, 100, kind=ASN, evidence=SHIPPED, parent="po:7/1"),
    )
    assert await buying.look() == []


async def test_a_change_of_a_line_that_is_not_shown_is_told(buying: Buying) -> None:
    late = TODAY - 2 * DAY
    await buying.hear(*(due(f"po:7/{n:02}", late) for n in range(30)))
    [first] = await buying.look()
    await buying.hear(due("po:7/29", late, 20))
    [second] = await buying.look()
    assert (first.evidence["lines"], len(first.evidence["open"])) == (30, 20)
    assert (first.count, second.count) == (1, 2)


async def test_what_is_under_way_without_a_date_is_late_by_its_lead_time(buying: Buying) -> None:
    """§4.1: in-transit transfers older than lead time; thirty days where no rule knows one."""
    await buying.hear(
        due("tr:1/1", None, kind=TRANSFER, evidence=SHIPPED),
        due("asn:1/1", None, kind=ASN, evidence=SHIPPED),
    )
    assert await buying.look(hours=24 * 30) == []
    found = await buying.look(hours=24 * 3)
    assert [(one.entity, one.code) for one in found] == [
        ("asn:1", "SHP-LATE"),
        ("tr:1", "SHP-LATE"),
    ]
    shown = found[1].evidence["open"][0]
    assert (shown["eta"], shown["basis"]) == (
        None,
        f"no date is told: shipped on {TODAY}, with 30 days at the most",
    )
    await buying.hear(due("tr:1/1", None, 0, kind=TRANSFER, evidence=SHIPPED))
    assert [one.entity for one in await buying.look()] == ["asn:1"]


async def test_a_rule_says_the_lead_time_of_what_has_no_date(buying: Buying) -> None:
    rule = PlacedRule(item="BOLT", rule=AtpRule(lead_time_days=5, acknowledge_days=0))
    await buying.hub.supply.put_rule(buying.hub.scope, rule, by="jo")
    await buying.hear(
        due("tr:1/1", None, kind=TRANSFER, evidence=SHIPPED),
        due("po:7/1", None),
        due("po:8/1", None, evidence=SupplyEvidence.BACKORDERED),
        due("tr:2/1", None, kind=TRANSFER),
        due("rma:1/1", None, kind=SupplyKind.RMA_EXPECTED, evidence=SHIPPED),
    )
    assert await buying.look(hours=24 * 5) == []
    found = await buying.look(hours=24 * 4)
    assert [(one.entity, one.code) for one in found] == [
        ("po:7", "PO-LATE"),
        ("po:8", "PO-LATE"),
        ("tr:1", "SHP-LATE"),
    ]


async def test_the_age_of_goods_goes_by_when_they_were_shipped(buying: Buying) -> None:
    """They may have been told of long before they left, and again since."""
    await buying.hear(due("tr:1/1", None, kind=TRANSFER))
    await buying.clock.advance(40 * DAY)
    await buying.hear(due("tr:1/1", None, kind=TRANSFER, evidence=SHIPPED))
    await buying.clock.advance(20 * DAY)
    await buying.hear(due("tr:1/1", None, 30, kind=TRANSFER, evidence=SHIPPED))
    assert await buying.look() == []
    [case] = await buying.look(hours=24 * 14)
    assert (case.entity, case.evidence["open"][0]["open_in_base_unit"]) == ("tr:1", "30")


async def test_a_purchase_that_nobody_answered_is_the_buyers(buying: Buying) -> None:
    """§5.1: two working days, where neither its source nor a rule says another time."""
    ahead = TODAY + 60 * DAY
    await buying.hear(due("po:7/1", ahead), due("asn:1/1", ahead, kind=ASN))
    assert await buying.look(hours=24) == []
    [case] = await buying.look(hours=24 * 7)
    assert (case.code, case.owner_role, case.severity) == ("PO-UNACKED", "Buyer", "S2")
    assert case.title.startswith("sent, and not acknowledged: po:7 was to be answered by ")
    assert (
        case.evidence["open"][0]["basis"] == f"sent on {TODAY}, to be answered in 2 working days"
    )
    await buying.hear(due("po:7/1", ahead, evidence=SupplyEvidence.ACKNOWLEDGED))
    assert await buying.look() == []


async def test_a_rule_or_a_source_says_by_when_a_supplier_answers(buying: Buying) -> None:
    rule = PlacedRule(item="BOLT", rule=AtpRule(acknowledge_days=0))
    await buying.hub.supply.put_rule(buying.hub.scope, rule, by="jo")
    ahead = TODAY + 60 * DAY
    told = replace(due("po:8/1", ahead), acknowledgment_due=TODAY + 3 * DAY)
    await buying.hear(due("po:7/1", ahead), told)
    assert await buying.look(hours=24 * 3) == []
    assert [one.entity for one in await buying.look(hours=24 * 9)] == ["po:8"]


async def test_a_purchase_that_nobody_answered_in_time_is_of_class_e(buying: Buying) -> None:
    await buying.hear(due("po:7/1", TODAY + 60 * DAY))
    question = Question("BOLT", "DC1", "EA")
    [answer] = await buying.hub.supply.promise_dates(buying.hub.scope, [question])
    assert [str(one.confidence) for one in answer.inbound] == ["D"]
    await buying.clock.advance(7 * DAY)
    [answer] = await buying.hub.supply.promise_dates(buying.hub.scope, [question])
    assert [(str(one.confidence), one.micros) for one in answer.inbound] == [("E", 0)]
    assert "unacknowledged" in answer.inbound[0].reason


async def test_since_when_goods_are_under_way_goes_by_no_order_of_telling(buying: Buying) -> None:
    """I4: an older word that comes late, behind the newer one, dates it all the same."""
    older = Fact(
        identity="late word",
        payload=due("tr:1/1", None, kind=TRANSFER, evidence=SHIPPED),
        occurred_at=buying.clock.now() - 20 * DAY,
        version=1,
    )
    newer = Fact(
        identity="first word",
        payload=due("tr:1/1", None, 20, kind=TRANSFER, evidence=SHIPPED),
        occurred_at=buying.clock.now(),
        version=2,
    )
    await buying.hub.record([newer], source="erp")
    assert await buying.look() == []
    await buying.hub.record([older], source="erp")
    [case] = await buying.look(hours=24 * 15)
    assert case.evidence["open"][0]["open_in_base_unit"] == "20"
