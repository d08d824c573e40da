"""In which packs items are granted at once: by the same rules that answers by date go by."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import AtpRule
from crossdock.capabilities.supply.packs import Said, pack_of
from crossdock.capabilities.supply.rules import RuleKey, places, terms_of

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
