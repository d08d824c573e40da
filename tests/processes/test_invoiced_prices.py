"""What an ERP's invoices say was agreed and is invoiced: found, confirmed, a case, gone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.reconciliation import DifferenceConfirmed
from crossdock.capabilities.reconciliation import (
    Brake,
    Finding,
    Kind,
    OpenAsked,
    OpenDump,
    OpenSaid,
    Rules,
    Run,
    Spelled,
)
from tests.processes.test_open_lines import HOUR, House, house_at, micros

BARE = "document,line,item,location,invoiced"
HEADER = f"{BARE},unit_price,agreed_price,amount,currency,class"
TOLD = "po:1,1,BOLT,DC1,100,10.50,10,,,C"


@pytest.fixture
async def house(dsn: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house_at(dsn, tmp_path) as (opened, _):
        yield opened


async def priced(
    house: House, *rows: str, kind: Kind = Kind.SUPPLIER_PRICES, header: str = HEADER
) -> Run:
    """Compare what the ERP's file says, an hour later."""
    await house.at.clock.advance(HOUR)
    file = house.folder / "invoiced.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    as_of = micros(house.now)

    def read(spelled: Spelled) -> OpenSaid:
        return OpenSaid(rows=OpenDump(file, as_of, spelled, kind).rows())

    asked = OpenAsked(kind=kind, against="erp", by="test", said=read)
    return await house.hub.open_lines.compare(house.hub.scope, asked)


async def only(house: House, kind: Kind = Kind.SUPPLIER_PRICES) -> Finding:
    [found] = await house.findings(kind=kind)
    return found


@pytest.mark.parametrize(
    ("kind", "code", "owner"),
    [
        (Kind.SUPPLIER_PRICES, "INVM-PRICE", "AP"),
        (Kind.INVOICE_PRICES, "ORD-PRICE", "Pricing/sales"),
    ],
)
async def test_a_price_that_was_not_agreed_is_a_case_with_the_money_that_it_means(
    house: House, kind: Kind, code: str, owner: str
) -> None:
    assert (await priced(house, TOLD, kind=kind)).suspected == 1

    run = await priced(house, TOLD, kind=kind)

    assert (run.kind, run.confirmed, run.value_at_risk) == (kind, 1, Decimal(50))
    found = await only(house, kind)
    assert (found.ours, found.theirs, found.unit) == (Decimal(1000), Decimal(1050), "money")
    assert (found.cause, found.remedy) == ("PRICE", "FINANCE_TASK")
    assert found.because == "10.5 is invoiced of one, and 10 was agreed"
    [line] = found.evidence["lines"]
    assert line == {
        "side": "erp", "quantity": "100", "unit_price": "10.5", "agreed_price": "10",
    }  # fmt: skip
    [case] = await house.hub.cases.find(house.hub.scope)
    assert (case.code, case.owner_role) == (code, owner)
    assert case.title.startswith("erp says 50 money more than what was agreed of po:1 line 1")
    [told] = [one for one in await house.told() if isinstance(one, DifferenceConfirmed)]
    assert (told.system, told.theirs) == (str(kind), Quantity(Decimal(1050), "money"))

    credit = "po:1,1,BOLT,DC1,-100,10.50,10,,,C"
    gone = await priced(house, TOLD, credit, "po:1,1,BOLT,DC1,100,10,10,,,C", kind=kind)
    assert (gone.alike, gone.gone) == (1, 1)


async def test_what_is_within_the_rules_passes_and_less_is_a_notice_of_a_supplier_alone(
    house: House,
) -> None:
    near = "po:1,1,BOLT,DC1,100,10.15,10,,,A"
    assert (await priced(house, near)).tolerated == 1
    strict = Rules()
    strict = replace(strict, prices=replace(strict.prices, value=10_000_000))
    await house.hub.reconciliation.put_rules(house.hub.scope, strict, by="ann")
    assert (await priced(house, near)).suspected == 1
    less = "po:2,1,BOLT,DC1,100,8,10,,,A"
    assert (await priced(house, less)).tolerated == 1
    assert (await priced(house, less, kind=Kind.INVOICE_PRICES)).suspected == 1


async def test_money_is_in_its_own_currency_and_another_than_the_houses_never_passes(
    house: House,
) -> None:
    house_rules = Rules(brake=Brake(currency="EUR"))
    await house.hub.reconciliation.put_rules(house.hub.scope, house_rules, by="ann")
    usd, eur = "po:1,1,BOLT,DC1,100,10.01,10,,USD,A", "po:2,1,BOLT,DC1,100,10.01,10,,EUR,A"
    run = await priced(house, usd, eur)
    assert (run.suspected, run.tolerated, run.other_values) == (1, 1, {"USD": Decimal(1)})
    [found] = await house.findings("SUSPECTED", kind=Kind.SUPPLIER_PRICES)
    assert (found.unit, found.currency) == ("USD", "USD")
    bare = await priced(house, "po:3,1,BOLT,DC1,100,10.50,10,,,A")
    assert bare.suspected == 1
    assert {one.unit for one in await house.findings(kind=Kind.SUPPLIER_PRICES)} >= {"USD", "EUR"}


async def test_lines_that_say_too_little_are_left_out_and_those_that_do_not_fit_are_named(
    house: House,
) -> None:
    run = await priced(
        house,
        "po:1,1,BOLT,DC1,100,,,,,",
        "po:2,1,BOLT,DC1,100,10,,,,",
        "po:3,1,BOLT,DC1,100,10,10,,EUR,",
        "po:3,1,BOLT,DC1,100,10,10,,USD,",
        "po:4,1,GHOST,DC1,1,1,2,,,",
        "po:5,1,BOLT,DC1,1,1,1,,,",
    )
    assert (run.compared, run.alike) == (1, 1)
    assert set(run.unknown_names) == {"po:2/1", "po:3/1", "GHOST"}


async def test_what_a_later_file_cannot_say_leaves_what_was_found(house: House) -> None:
    await priced(house, TOLD)
    run = await priced(house, "po:1,1,BOLT,DC1,100,10.50,,,,")
    assert (run.gone, run.compared) == (0, 0)
    assert (await only(house)).state == "SUSPECTED"


async def test_prices_of_many_documents_are_compared_in_turns(house: House) -> None:
    rows = [f"po:{number},1,BOLT,DC1,1,{number % 2},0,,,A" for number in range(450)]
    run = await priced(house, *rows)
    assert (run.compared, run.alike, run.suspected) == (450, 225, 225)


@pytest.mark.parametrize(
    ("header", "row", "where"),
    [
        (BARE, "po:1,1,BOLT,DC1,1", "invoiced.csv: agreed_price, amount, unit_price"),
        (f"{BARE},price", "po:1,1,BOLT,DC1,1,2", "invoiced.csv: agreed_price, amount"),
        (HEADER, "po:1,1,BOLT,DC1,1,-2,1,,,", "invoiced.csv:2 unit_price"),
        (HEADER, "po:1,1,BOLT,DC1,1,x,1,,,", "invoiced.csv:2 unit_price"),
        (HEADER, "po:1,1,BOLT,DC1,1,1,1,y,,", "invoiced.csv:2 amount"),
    ],
)
async def test_what_is_no_price_is_refused_with_its_place(
    house: House, header: str, row: str, where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await priced(house, row, header=header)
    assert refused.value.where == where


async def test_nobody_is_asked_for_prices(house: House) -> None:
    asked = OpenAsked(kind=Kind.INVOICE_PRICES, against="erp", by="test")
    with pytest.raises(Invalid, match="nobody can be asked for invoiced prices"):
        await house.hub.open_lines.compare(house.hub.scope, asked)
