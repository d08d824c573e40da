"""A picture says step by step why a channel is shown so much of an item (§3.7)."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from crossdock.capabilities.inventory.publishing import ShareMode, WhenStale
from crossdock.interfaces.api.channel_chart import drawn
from crossdock.orchestration.processes.availability_exposure import ChannelExposure, ItemExposure
from crossdock.orchestration.processes.availability_state import Life

LIFE = Life(location="DC1", days=30, transit_days=3)
PLAIN = ItemExposure(
    item="BOLT",
    pool=Decimal(100),
    kept_for_others=Decimal(0),
    allowance=None,
    share=Decimal(100),
    buffer=Decimal(0),
    cap=None,
    pack=Decimal(1),
    exposed=Decimal(100),
    shown=None,
    together=Decimal(0),
    beyond=Decimal(0),
    low_threshold=Decimal(5),
    levels=(Decimal(20), Decimal(99)),
)
SHOP = ChannelExposure(
    connection="shop",
    location="WEB",
    share_mode=ShareMode.POOL,
    when_stale=WhenStale.LOWER,
    stale_buffer=None,
    low_threshold=Decimal(5),
    levels=(Decimal(20), Decimal(99)),
    others={},
    items=(PLAIN,),
)


def item(**figures: Any) -> ItemExposure:
    known: dict[str, Any] = {
        name: Decimal(figure)
        if isinstance(figure, int) and not isinstance(figure, bool)
        else figure
        for name, figure in figures.items()
    }
    return replace(PLAIN, **known)


def said(shown: ChannelExposure, one: ItemExposure) -> list[str]:
    """Give the steps as a reader hears them, and what stands under them."""
    picture = drawn(shown, one)
    ET.fromstring(picture)  # noqa: S314  # our own
    found = re.search('<desc id="said">(.*)</desc>', picture)
    assert found
    return found[1].split("; ")


@pytest.mark.parametrize(
    ("mode", "one", "steps"),
    [
        (ShareMode.POOL, item(), ["there is: 100", "to show: 100"]),
        (
            ShareMode.PROTECTED,
            item(kept_for_others=40, allowance=50, share=50, exposed=50),
            ["there is: 100", "less 40 kept for others: 60", "its maximum leaves 50: 50",
             "to show: 50"],
        ),
        (
            ShareMode.PROTECTED,
            item(short_dated=20, lives=(LIFE, replace(LIFE, location="DC2", transit_days=0)),
                 kept_for_others=30, share=50, exposed=50),
            ["there is: 100",
             ("less 20 short-dated: 30 days at delivery, 3 in transit, from DC1"
              " and 30 days at delivery, 0 in transit, from DC2: 80"),
             "less 30 kept for others: 50", "to show: 50"],
        ),
        (
            ShareMode.PERCENT,
            item(share=80, buffer=7, pack=12, cap=70, exposed=60),
            ["there is: 100", "its percentage of that: 80", "less the buffer of 7: 65",
             "in packs of 12: 60", "to show: 60"],
        ),
        (
            ShareMode.FIXED,
            item(share=30, cap=20, exposed=20),
            ["there is: 100", "a fixed amount at most: 30", "at most 20: 20", "to show: 20"],
        ),
        (
            ShareMode.PARTITION,
            item(share=30, exposed=10, silent=("erp", "wms")),
            ["there is: 100", "its own part: 30", "in safe mode: erp, wms silent: 10"],
        ),
        (
            ShareMode.POOL,
            item(share=50, is_excluded=True, exposed=0, buffer=3),
            ["there is: 100", "its share: 50", "it is not sold here: 0"],
        ),
        (
            ShareMode.POOL,
            item(pool=None, share=None, exposed=None, untold=("DC1", "DC2")),
            ["nobody ever told what there is at DC1, DC2"],
        ),
    ],
)  # fmt: skip
def test_each_step_says_what_it_takes_and_what_it_leaves(
    mode: ShareMode, one: ItemExposure, steps: list[str]
) -> None:
    assert said(replace(SHOP, share_mode=mode), one)[:-2] == steps


@pytest.mark.parametrize(
    ("when_stale", "stale_buffer", "told"),
    [
        (WhenStale.KEEP, None, "in silence: no more"),
        (WhenStale.LOWER, None, "in silence: no more, the buffer twice"),
        (WhenStale.LOWER, Decimal(4), "in silence: no more, 4 less"),
        (WhenStale.ZERO, None, "in silence: nothing"),
    ],
)
def test_what_is_shown_and_would_be_in_silence_stands_under_it(
    when_stale: WhenStale, stale_buffer: Decimal | None, told: str
) -> None:
    terms = replace(SHOP, when_stale=when_stale, stale_buffer=stale_buffer)

    assert said(terms, item(shown=98))[-2:] == ["shown: 98", told]


def test_levels_are_drawn_and_a_title_says_that_it_is_in_safe_mode() -> None:
    calm, silent = drawn(SHOP, PLAIN), drawn(SHOP, item(silent=("erp",), exposed=0))

    assert calm.count('class="thin" d="M') == 1 + 3  # its legend, low and two levels
    assert "BOLT in shop at WEB: 100 to show<" in calm
    assert "BOLT in shop at WEB: 0 to show, in safe mode<" in silent
