"""Our client against the simulated shop, over real loopback HTTP."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.shopify.publishing import BATCH_MAX, Line, batch_key
from crossdock.applications.shopify.simulated_cost import PointsBucket
from crossdock.canonical.errors import Ambiguous, Forbidden, Throttled, Unavailable
from crossdock.connectivity.sdk import (
    Connection,
    Polls,
    PublishesAvailability,
    SetAvailability,
    Verdict,
)
from tests.unit.applications.shopify.shops import (
    NOWHERE,
    OpenShop,
    change,
    open_shop,
    ports_at,
    settings_for,
    while_time_passes,
)


@pytest.fixture
async def shop() -> AsyncIterator[OpenShop]:
    async with open_shop() as opened:
        yield opened


async def test_the_connection_plays_the_roles_it_declares(shop: OpenShop) -> None:
    assert isinstance(shop.connection, Connection)
    assert isinstance(shop.connection, PublishesAvailability)
    assert isinstance(shop.connection, Polls)


async def test_check_says_what_it_reached(shop: OpenShop) -> None:
    assert await shop.connection.check() == "demo: Admin API 2026-04, 1 locations"


async def test_a_wrong_token_is_forbidden() -> None:
    async with open_shop(access_token="wrong") as shop:
        with pytest.raises(Forbidden):
            await shop.connection.check()


async def test_a_quantity_is_set_when_the_shop_holds_what_we_expect(shop: OpenShop) -> None:
    item = shop.item("BOLT", 40)

    (outcome,) = await shop.connection.set_availability([change(item, shop.location, 35, 40)])

    assert (outcome.verdict, outcome.observed) == (Verdict.DONE, Decimal(35))
    assert shop.available("BOLT") == 35


async def test_one_stale_line_does_not_hold_up_the_others(shop: OpenShop) -> None:
    items = [shop.item(f"SKU-{number}", 10) for number in range(6)]
    commands = [change(item, shop.location, 7, 10) for item in items]
    shop.simulator.shop.buy("SKU-2", 3)
    commands[4] = change("gid://shopify/InventoryItem/1", shop.location, 7, 10)

    outcomes = await shop.connection.set_availability(commands)

    verdicts = [outcome.verdict.value for outcome in outcomes]
    assert verdicts == ["DONE", "DONE", "STALE", "DONE", "REFUSED", "DONE"]
    assert [outcome.command_id for outcome in outcomes] == [x.command_id for x in commands]
    assert outcomes[2].observed == 7
    assert outcomes[4].code == "INVALID_INVENTORY_ITEM"


async def test_a_repeat_of_the_same_batch_has_no_second_effect(shop: OpenShop) -> None:
    item = shop.item("BOLT", 40)
    command = change(item, shop.location, 35, 40)
    await shop.connection.set_availability([command])
    # The shop comes back to the old number by itself: only the key can tell the repeat.
    shop.simulator.shop.set_levels({(item, shop.location): 40})

    (outcome,) = await shop.connection.set_availability([command])

    assert outcome.verdict is Verdict.DONE
    assert shop.available("BOLT") == 40


async def test_a_corrective_write_is_not_swallowed_by_the_first_ones_key(shop: OpenShop) -> None:
    item = shop.item("BOLT", 40)
    await shop.connection.set_availability([change(item, shop.location, 35, 40, version=1)])
    shop.simulator.shop.set_levels({(item, shop.location): 40})

    await shop.connection.set_availability([change(item, shop.location, 35, 40, version=2)])

    assert shop.available("BOLT") == 35


async def test_a_batch_that_failed_before_is_decided_anew(shop: OpenShop) -> None:
    item = shop.item("BOLT", 38)
    command = change(item, shop.location, 35, 40)
    (first,) = await shop.connection.set_availability([command])
    shop.simulator.shop.set_levels({(item, shop.location): 40})

    (second,) = await shop.connection.set_availability([command])

    assert (first.verdict, second.verdict) == (Verdict.STALE, Verdict.DONE)


async def test_one_key_for_two_quantities_is_refused(shop: OpenShop) -> None:
    item = shop.item("BOLT", 40)
    await shop.connection.set_availability([change(item, shop.location, 35, 40, key="k")])

    (outcome,) = await shop.connection.set_availability(
        [change(item, shop.location, 34, 35, key="k")]
    )

    assert outcome.verdict is Verdict.REFUSED
    assert outcome.code == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    assert shop.available("BOLT") == 35


async def test_a_level_believed_empty_is_read_before_it_is_written(shop: OpenShop) -> None:
    item = shop.item("BOLT", 12)
    unstocked = shop.simulator.shop.list_item("NEW")

    outcomes = await shop.connection.set_availability(
        [change(item, shop.location, 5, None), change(unstocked, shop.location, 5, None)]
    )

    assert [outcome.verdict for outcome in outcomes] == [Verdict.STALE, Verdict.REFUSED]
    assert outcomes[0].observed == 12
    assert outcomes[1].code == "ITEM_NOT_STOCKED_AT_LOCATION"


async def test_what_the_shop_cannot_count_is_refused_unsent(shop: OpenShop) -> None:
    item = shop.item("BOLT", 12)
    half = SetAvailability(
        command_id="c", idempotency_key="k", item=item, location=shop.location,
        quantity=Decimal("0.5"), expected=Decimal(12), version=1,
    )  # fmt: skip
    commands = [
        half,
        change(item, "EAST", 1, 12),
        change(item, shop.location, 2_000_000_000, 12),
        change("NO-SUCH-SKU", shop.location, 1, 12),
    ]

    outcomes = await shop.connection.set_availability(commands)

    assert {outcome.verdict for outcome in outcomes} == {Verdict.REFUSED}
    assert [outcome.code for outcome in outcomes] == [
        "MD-UOM", "MD-LOC", "INVALID_QUANTITY_TOO_HIGH", "MD-ITEM-XREF",
    ]  # fmt: skip


async def test_more_than_a_call_holds_goes_in_several(shop: OpenShop) -> None:
    items = [shop.item(f"SKU-{number:03}", 10) for number in range(BATCH_MAX + 20)]

    outcomes = await shop.connection.set_availability(
        [change(item, shop.location, 7, 10) for item in items]
    )

    assert {outcome.verdict for outcome in outcomes} == {Verdict.DONE}
    assert {shop.available(f"SKU-{number:03}") for number in range(BATCH_MAX + 20)} == {7}


async def test_two_commands_for_one_level_go_one_after_the_other(shop: OpenShop) -> None:
    item = shop.item("BOLT", 10)

    outcomes = await shop.connection.set_availability(
        [
            change(item, shop.location, 9, 10, version=1),
            change(item, shop.location, 8, 9, version=2),
        ]
    )

    assert [outcome.verdict for outcome in outcomes] == [Verdict.DONE, Verdict.DONE]
    assert shop.available("BOLT") == 8


async def test_items_may_be_named_by_sku_if_it_is_the_only_one(shop: OpenShop) -> None:
    shop.item("O'Brien \\ 5", 4)
    shop.item("TWIN", 1)
    shop.item("TWIN", 1)

    outcomes = await shop.connection.set_availability(
        [change("O'Brien \\ 5", shop.location, 3, 4), change("TWIN", shop.location, 3, 1)]
    )

    assert [outcome.verdict for outcome in outcomes] == [Verdict.DONE, Verdict.REFUSED]


async def test_held_quantities_come_in_the_order_asked_and_absence_is_not_zero(
    shop: OpenShop,
) -> None:
    empty, full = shop.item("EMPTY", 0), shop.item("FULL", 9)
    second = shop.simulator.shop.open_location("Second")
    keys = [
        (full, shop.location), (empty, shop.location), (full, second),
        ("gid://shopify/InventoryItem/1", shop.location), ("NO-SKU", shop.location),
        ("FULL", shop.location),
    ]  # fmt: skip

    held = await shop.connection.held_availability(keys)

    assert [(x.item, x.location) for x in held] == keys
    assert [x.quantity for x in held] == [9, 0, None, None, None, 9]


async def test_a_lost_answer_is_ambiguous_for_a_write_and_not_for_a_question(
    shop: OpenShop,
) -> None:
    item = shop.item("BOLT", 40)
    shop.simulator.loses_answers = 1.0

    with pytest.raises(Ambiguous):
        await shop.connection.set_availability([change(item, shop.location, 35, 40)])
    with pytest.raises(Unavailable) as question:
        await shop.connection.held_availability([(item, shop.location)])

    assert not isinstance(question.value, Ambiguous)
    assert shop.available("BOLT") == 35
    shop.simulator.loses_answers = 0.0
    (repeat,) = await shop.connection.set_availability([change(item, shop.location, 35, 40)])
    assert repeat.verdict is Verdict.DONE


async def test_a_shop_that_is_down_is_unavailable(shop: OpenShop) -> None:
    shop.simulator.is_down = True

    with pytest.raises(Unavailable) as down:
        await shop.connection.check()

    assert not isinstance(down.value, Ambiguous)


async def test_an_address_without_a_shop_is_unavailable() -> None:
    async with open_shop() as other:
        pass

    with pytest.raises(Unavailable):
        await other.connection.held_availability([("gid://shopify/InventoryItem/1", "L")])


async def test_the_client_waits_for_points_before_it_asks() -> None:
    """250 quantities cost 750 points to read; the bucket holds 800 and refills 100 a second."""
    async with open_shop(points=800.0) as shop:
        keys = [(shop.item(f"SKU-{number}", 1), shop.location) for number in range(250)]

        async def read_three_times() -> None:
            for _ in range(3):
                await shop.connection.held_availability(keys)

        began = shop.clock.ticks()
        await while_time_passes(shop.clock, asyncio.create_task(read_three_times()))

        # The bucket gives back what an answer did not use; the third still has to wait.
        assert shop.clock.ticks() - began > 3


async def test_a_throttled_call_waits_and_is_repeated() -> None:
    async with open_shop(points=800.0) as shop:
        keys = [(shop.item(f"SKU-{number}", 1), shop.location) for number in range(250)]
        shop.simulator.admin._bucket.take(790)

        held = await while_time_passes(
            shop.clock, asyncio.create_task(shop.connection.held_availability(keys))
        )

        assert {x.quantity for x in held} == {1}


async def test_a_bucket_that_never_fills_ends_in_throttled() -> None:
    async with open_shop() as shop:
        ports = ports_at(shop.clock)
        shop.simulator.admin._bucket = PointsBucket(ports, maximum=50.0, rate=0.001)
        shop.simulator.admin._bucket.take(50)
        item = "gid://shopify/InventoryItem/1"

        with pytest.raises(Throttled) as throttled:
            await shop.connection.held_availability([(item, shop.location)])

        assert throttled.value.retry_after.total_seconds() >= 1


@given(keys=st.lists(st.text(max_size=8), min_size=1, max_size=5, unique=True))
def test_a_batch_key_follows_from_the_commands_alone(keys: list[str]) -> None:
    def lines(quantity: int, names: list[str]) -> list[Line]:
        commands = [change("i", "l", quantity, None, key=name) for name in names]
        return [Line(position, command, "i") for position, command in enumerate(commands)]

    assert batch_key(lines(1, keys)) == batch_key(lines(2, keys))
    assert batch_key(lines(1, keys)) != batch_key(lines(1, [*keys, "another"]))
    assert batch_key(lines(1, keys)) != batch_key(lines(1, keys), attempt=1)


async def test_settings_name_the_shops_own_address() -> None:
    assert settings_for(NOWHERE).address == NOWHERE
