"""In which packs items are granted at once: by the same rules that answers by date go by."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.packs import Pack
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import AtpRule
from crossdock.capabilities.supply.packs import Packs, Said, pack_of
from crossdock.capabilities.supply.rules import RuleKey, places, terms_of
from crossdock.foundation.clock import VirtualClock

ITEMS, CLASSES, PLACES = st.sampled_from("XY*"), st.sampled_from(["", "S"]), st.sampled_from("12*")
SAID = st.dictionaries(
    st.tuples(ITEMS, CLASSES, PLACES),
    st.tuples(st.none() | st.integers(0, 12), st.none() | st.booleans()),
    max_size=8,
)
KEYS = [(item, place) for item in "XYZ" for place in "12"]


@given(SAID, st.dictionaries(st.sampled_from("XYZ"), st.just("S")))
def test_an_item_is_sold_in_the_packs_that_its_terms_by_date_say(
    said: dict[RuleKey, tuple[int | None, bool | None]], classes: dict[str, str]
) -> None:
    told = {
        at: Said(None if pack is None else pack * MICROS, up) for at, (pack, up) in said.items()
    }

    for key in KEYS:
        of_class = classes.get(key[0], "")
        held = [said[at] for at in places(*key, of_class) if at in said]
        terms = terms_of(
            AtpRule(pack=None if pack is None else Decimal(pack), pack_up=up) for pack, up in held
        )
        found = pack_of(told, key, of_class)
        if terms.pack:
            assert found is not None
            assert (found.micros, found.up) == (terms.pack, terms.pack_up)
        else:
            assert found is None


class Asked:
    """A transaction that counts what it is asked, and a catalogue that counts nothing."""

    def __init__(self, *rows: Mapping[str, Any]) -> None:
        self.rows, self.count = rows, 0

    async def fetch(self, *_: object) -> Sequence[Mapping[str, Any]]:
        self.count += 1
        return self.rows

    async def item_classes(self, _tx: object, items: Sequence[str]) -> Mapping[str, str]:
        raise AssertionError(items)


async def test_promises_of_what_is_sold_by_the_piece_ask_once_a_second(
    clock: VirtualClock,
) -> None:
    tx: Any = Asked()
    packs = Packs(clock, tx)

    assert packs.remembered("main", KEYS) is None
    assert await packs.among(tx, "main", KEYS) == {}
    for _ in range(1000):
        assert packs.remembered("main", KEYS) == {}
    assert packs.remembered("other", KEYS) is None
    assert tx.count == 1
    await clock.advance(timedelta(seconds=2))
    assert packs.remembered("main", KEYS) is None


async def test_rules_that_are_for_no_class_are_answered_from_memory(clock: VirtualClock) -> None:
    twelve = {"item": "X", "item_class": "", "location": "*", "pack": Decimal(12), "up": None}
    tx: Any = Asked(twelve)
    packs = Packs(clock, tx)

    assert await packs.among(tx, "main", [("Y", "1")]) == {}

    assert packs.remembered("main", KEYS) == {
        ("X", place): Pack(12 * MICROS, up=True) for place in "12"
    }
    assert tx.count == 1
