"""Which items no stock limits at once: by the same rules that answers by date go by."""

from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.supply import AtpMode, AtpRule
from crossdock.capabilities.supply.rules import RuleKey, places, terms_of
from crossdock.capabilities.supply.unlimited import unlimited_among

ITEMS, CLASSES, PLACES = st.sampled_from("XY*"), st.sampled_from(["", "S"]), st.sampled_from("12*")
RULES = st.dictionaries(
    st.tuples(ITEMS, CLASSES, PLACES), st.sampled_from(list(AtpMode)), max_size=8
)
KEYS = [(item, place) for item in "XYZ" for place in "12"]


@given(RULES, st.dictionaries(st.sampled_from("XYZ"), st.just("S")))
def test_an_item_is_unlimited_where_its_terms_by_date_say_so(
    said: dict[RuleKey, AtpMode], classes: dict[str, str]
) -> None:
    modes = {at: mode.value for at, mode in said.items()}

    found = unlimited_among(modes, KEYS, classes)

    for key in KEYS:
        held = [at for at in places(*key, classes.get(key[0], "")) if at in said]
        terms = terms_of(AtpRule(mode=said[at]) for at in held)
        assert (key in found) == (terms.mode is AtpMode.INFINITE)
