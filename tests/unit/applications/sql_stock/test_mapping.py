"""Rows of an ERP's database mean what their columns say, and faults are named with their place."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.sql_stock import APPLICATION
from crossdock.applications.sql_stock.mapping import LINES_MAX, answered, translated
from crossdock.applications.sql_stock.samples import SAMPLE_SETTINGS
from crossdock.applications.sql_stock.settings import SqlStockSettings
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.connectivity.sdk import Delivery, Sample


@pytest.mark.parametrize("sample", APPLICATION.samples, ids=lambda sample: sample.title)
def test_a_sample_means_what_it_is_said_to_mean(sample: Sample) -> None:
    assert translated(sample.delivery, SAMPLE_SETTINGS) == sample.translation


def test_change_numbers_count_in_a_stream_where_the_owner_says_so() -> None:
    settings = SqlStockSettings.model_validate(
        {"dsn": "x", "levels": {"sql": "x", "change_column": "rev"}, "sequence_stream": "stock"}
    )
    row = (
        '{"id":"A","item":"A","location":"DC1","quantity":1,"rev":70,'
        '"occurred_at":"2026-03-02T08:00Z"}'
    )

    (fact,) = translated(
        Delivery(body=f'{{"stream":"levels","rows":[{row}]}}'.encode()), settings
    ).facts

    assert (fact.stream, fact.sequence) == ("stock", 70)
    assert fact.identity == "snapshot:DC1:A@70"


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ("7", "/rows/0/lines"),
        ("null", "/rows/0/lines"),
        ("[7]", "/rows/0/lines/0"),
        ('[{"line":1,"item":"A","ordered":1,"cancelled":"x"}]', "/rows/0/lines/0/cancelled"),
    ],
)
def test_a_fault_in_an_order_line_is_named_with_its_place(lines: str, where: str) -> None:
    row = f'{{"id":7,"changed_at":"2026-03-02T08:00Z","lines":{lines}}}'
    page = f'{{"stream":"demand","rows":[{row}]}}'

    (refused,) = translated(Delivery(body=page.encode()), SAMPLE_SETTINGS).refused

    assert refused.where == where


def test_an_order_with_too_many_lines_is_refused_as_a_whole() -> None:
    lines = ",".join(["7"] * (LINES_MAX + 1))
    row = f'{{"id":7,"changed_at":"2026-03-02T08:00Z","lines":[{lines}]}}'

    (refused,) = translated(
        Delivery(body=f'{{"stream":"demand","rows":[{row}]}}'.encode()), SAMPLE_SETTINGS
    ).refused

    assert (refused.where, refused.reason) == (
        "/rows/0/lines",
        "An order has at most 10000 lines",
    )


def test_lines_may_come_as_the_text_that_a_database_keeps() -> None:
    lines = '"[{\\"line\\":1,\\"item\\":\\"A\\",\\"location\\":\\"DC1\\",\\"ordered\\":2}]"'
    row = f'{{"id":7,"changed_at":"2026-03-02T08:00Z","lines":{lines}}}'

    result = translated(
        Delivery(body=f'{{"stream":"demand","rows":[{row}]}}'.encode()), SAMPLE_SETTINGS
    )

    assert not result.refused
    assert [fact.payload.key for fact in result.facts] == ["7"]


@pytest.mark.parametrize("row", ["7", "null", "[]", '"text"'])
def test_a_row_that_is_no_object_is_refused_alone(row: str) -> None:
    page = f'{{"stream":"levels","rows":[{row}]}}'

    (refused,) = translated(Delivery(body=page.encode()), SAMPLE_SETTINGS).refused

    assert (refused.where, refused.reason) == ("/rows/0", "This is not a JSON object")


def test_a_page_of_an_unknown_stream_is_refused() -> None:
    (refused,) = translated(Delivery(body=b'{"stream":"x"}'), SAMPLE_SETTINGS).refused

    assert refused.where == "/stream"


def test_a_page_whose_moment_is_none_is_refused() -> None:
    body = b'{"stream":"levels","as_of":7,"rows":[]}'

    (refused,) = translated(Delivery(body=body), SAMPLE_SETTINGS).refused

    assert (refused.where, refused.reason) == ("/as_of", "This is not a moment")


def test_levels_that_were_asked_for_hold_as_of_then_however_old_their_rows_are() -> None:
    row = '{"id":"7","code":"A","site":"DC1","on_hand":4,"changed_at":"2020-01-01T08:00Z"}'
    body = answered([row], "2026-03-02T08:00:00+00:00")

    (fact,) = translated(Delivery(body=body), SAMPLE_SETTINGS).facts

    assert fact.recorded_at == fact.occurred_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert fact.identity == "snapshot:DC1:7@2026-03-02T08:00:00+00:00"


def test_a_page_of_a_stream_without_a_query_is_refused() -> None:
    settings = SqlStockSettings.model_validate({"dsn": "x", "levels": {"sql": "x"}})

    (refused,) = translated(Delivery(body=b'{"stream":"demand","rows":[]}'), settings).refused

    assert (refused.where, refused.reason) == ("/stream", "No query is set for 'demand'")


@given(body=st.binary(max_size=300))
def test_any_bytes_are_refused_and_never_break(body: bytes) -> None:
    assert translated(Delivery(body=body), SAMPLE_SETTINGS).refused


@pytest.mark.parametrize("member", ["requested_ship_date", "ship_on"])
def test_a_line_says_its_own_day_by_our_name_and_by_the_name_of_the_query(member: str) -> None:
    columns = {"order_id": "no", "requested_ship_date": "ship_on", "location": "site"}
    settings = SqlStockSettings.model_validate(
        {"dsn": "x", "location": "DC1", "demand": {"sql": "x", "columns": columns}}
    )
    lines = (
        f'[{{"line":1,"item":"A","ordered":2,"location":"EAST","{member}":"2026-03-09"}},'
        '{"line":2,"item":"A","ordered":2}]'
    )
    row = f'{{"no":7,"ship_on":"2026-03-04","changed_at":"2026-03-02T08:00Z","lines":{lines}}}'

    (fact,) = translated(
        Delivery(body=f'{{"stream":"demand","rows":[{row}]}}'.encode()), settings
    ).facts

    assert isinstance(fact.payload, OrderChanged)
    first, second = fact.payload.lines
    assert (first.requested_ship_date, first.location) == (date(2026, 3, 9), "EAST")
    assert (second.requested_ship_date, second.location) == (date(2026, 3, 4), "DC1")


COMING = '{"id":1,"po_line":"po:1","item":"A","still_open":2,"changed_at":"2026-03-02T08:00Z"}'


def test_supply_beside_a_page_of_stock_is_told_first_and_its_faults_have_their_place() -> None:
    level = '{"id":1,"code":"A","on_hand":3,"changed_at":"2026-03-02T08:00Z"}'
    body = f'{{"stream":"levels","rows":[{level}],"supply":[{COMING},{{"id":2}}]}}'

    result = translated(Delivery(body=body.encode()), SAMPLE_SETTINGS)

    assert [fact.payload.TYPE for fact in result.facts] == [
        SupplyCommitmentChanged.TYPE,
        StockSnapshotTaken.TYPE,
    ]
    assert [refused.where for refused in result.refused] == ["/supply/1/po_line"]


@pytest.mark.parametrize(
    ("page", "where"),
    [
        ('{"stream":"levels","rows":[],"supply":7}', "/supply"),
        ('{"stream":["levels"],"rows":[]}', "/stream"),
        ('{"stream":"demand","rows":7,"supply":[]}', "/rows"),
    ],
)
def test_a_page_that_is_not_well_formed_is_refused_as_a_whole(page: str, where: str) -> None:
    (refused,) = translated(Delivery(body=page.encode()), SAMPLE_SETTINGS).refused

    assert refused.where == where


def test_supply_without_a_query_for_it_is_refused() -> None:
    settings = SqlStockSettings.model_validate({"dsn": "x", "levels": {"sql": "x"}})
    page = f'{{"stream":"levels","rows":[],"supply":[{COMING}]}}'

    (refused,) = translated(Delivery(body=page.encode()), settings).refused

    assert (refused.where, refused.reason) == ("/supply", "No query is set for 'supply'")
