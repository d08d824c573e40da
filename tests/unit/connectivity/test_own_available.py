"""A product's own number is held against what its connection says it is; it never counts."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.generic_wms.mapping import translated as webhook
from crossdock.applications.generic_wms.settings import GenericWmsSettings
from crossdock.applications.sql_stock.mapping import translated as page
from crossdock.applications.sql_stock.settings import SqlStockSettings
from crossdock.connectivity.sdk import Delivery
from crossdock.connectivity.sdk.own_available import AvailableIs, contradictions
from crossdock.connectivity.sdk.records import Record
from crossdock.connectivity.sdk.stock_records import Vocabulary

SECRETS = {"secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
SUMS = [form for form in AvailableIs if form is not AvailableIs.NOT_TOLD]
amounts = st.decimals(-1000, 1000, places=3)


def level(**fields: Any) -> Record:
    return Record(fields={"item": "A", "quantity": "10"} | fields)


def said(*levels: Record, form: AvailableIs | None) -> list[str]:
    return [one.reason for one in contradictions(levels, form, Vocabulary())]


@given(
    form=st.sampled_from(SUMS), quantity=amounts, allocated=amounts, held=amounts,
    off=amounts,
)  # fmt: skip
def test_a_level_agrees_exactly_where_the_sum_is_right_or_stopped_at_zero(
    form: AvailableIs, quantity: Decimal, allocated: Decimal, held: Decimal, off: Decimal
) -> None:
    terms = {"allocated": allocated, "held": held}
    made = quantity - sum((terms[name] for name in form.terms), Decimal(0))
    row = level(quantity=f"{quantity:f}", allocated=f"{allocated:f}", held=f"{held:f}")
    right = Record(fields={**row.fields, "available": f"{made + off:f}"})
    stopped = Record(fields={**row.fields, "available": f"{max(made, Decimal(0)):f}"})

    assert bool(said(right, form=form)) == (off != 0 and made + off != max(made, Decimal(0)))
    assert said(stopped, form=form) == []


def test_what_contradicts_is_counted_and_the_first_is_shown() -> None:
    rows = [level(available=n, allocated="2") for n in ("8", "7", "10")]
    [reason] = said(*rows, form=AvailableIs.LESS_ALLOCATED)

    assert reason.startswith("2 of 3 levels contradict what available_is says")
    assert "A says 7, 10 - 2 is 8" in reason


@pytest.mark.parametrize(
    "fields",
    [
        {"available": "7"},
        {"allocated": "2"},
        {"available": "many", "allocated": "2"},
        {"available": "7", "allocated": "2", "status": "DAMAGED"},
        {"available": "7", "allocated": "2", "status": "WHO KNOWS"},
    ],
    ids=["a term is lacking", "no number", "unreadable", "not good stock", "unknown status"],
)
def test_a_level_that_does_not_bring_all_of_it_says_nothing(fields: dict[str, str]) -> None:
    assert said(level(**fields), form=AvailableIs.LESS_ALLOCATED) == []


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (None, "nobody has said what it is"),
        (AvailableIs.NOT_TOLD, "available_is says that it tells none"),
    ],
)
def test_a_number_that_nobody_has_said_the_meaning_of_is_told(
    form: AvailableIs | None, why: str
) -> None:
    rows = [level(available="7", allocated="2"), level(available="many"), level(allocated="2")]
    [reason] = said(*rows, form=form)

    assert reason.startswith(f"2 levels bring a number of their own as `available`, and {why}.")
    assert "ON_HAND, LESS_ALLOCATED, LESS_HELD, LESS_ALLOCATED_AND_HELD, NOT_TOLD" in reason
    assert said(level(allocated="2", held="1"), form=form) == []


def test_what_a_form_says_is_said_of_each() -> None:
    assert [form.equation for form in AvailableIs] == [
        "available = good stock",
        "available = good stock - allocated",
        "available = good stock - held",
        "available = good stock - allocated - held",
        "it tells no number of its own",
    ]


def test_a_snapshot_that_contradicts_is_recorded_whole_and_said_once_for_all() -> None:
    settings = GenericWmsSettings.model_validate(SECRETS | {"available_is": "LESS_ALLOCATED"})
    lines = [{"item": "A", "quantity": "10", "allocated": "2", "available": n} for n in "87"]
    lines[1]["item"] = "B"
    message = {
        "type": "snapshot", "snapshot_id": "S", "location": "DC1", "is_full": True,
        "occurred_at": "2026-03-02T09:00:00Z", "lines": lines,
    }  # fmt: skip
    delivery = Delivery(body=json.dumps(message).encode())
    silent = webhook(delivery, GenericWmsSettings.model_validate(SECRETS))
    found = webhook(delivery, settings)

    assert found.facts == silent.facts
    assert [one.reason[:13] for one in found.refused] == ["1 of 2 levels"]
    assert [one.reason[:14] for one in silent.refused] == ["2 levels bring"]


def test_rows_of_a_database_are_held_against_its_equation_too() -> None:
    said = {
        "dsn": "x", "levels": {"sql": "x", "columns": {"available": "free"}},
        "available_is": "ON_HAND",
    }  # fmt: skip
    rows = [
        {"id": n, "item": "A", "location": "DC1", "quantity": 4, "free": n,
         "changed_at": "2026-03-02T08:00Z"}
        for n in (4, 3)
    ]  # fmt: skip
    body = json.dumps({"stream": "levels", "rows": rows}).encode()
    found = page(Delivery(body=body), SqlStockSettings.model_validate(said))

    assert len(found.facts) == 2
    assert [one.where for one in found.refused] == ["available"]
