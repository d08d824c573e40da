"""Whether a product's own number of what is available is made as its connection says (§3.2).

Of a warehouse system or a database nobody can say for all what it means: each connection names the
equation. The number itself counts nowhere; where it comes with its terms, it is held against them.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import StockStatus
from crossdock.connectivity.sdk.facts import Untranslatable
from crossdock.connectivity.sdk.records import SCHEMA, Record
from crossdock.connectivity.sdk.stock_records import Vocabulary


class AvailableIs(StrEnum):
    """What is taken off what lies there, to make the product's own number."""

    ON_HAND = "ON_HAND"
    LESS_ALLOCATED = "LESS_ALLOCATED"
    LESS_HELD = "LESS_HELD"
    LESS_ALLOCATED_AND_HELD = "LESS_ALLOCATED_AND_HELD"

    @property
    def terms(self) -> tuple[str, ...]:
        return _TERMS[self]

    @property
    def equation(self) -> str:
        return " - ".join(("available = good stock", *self.terms))


_TERMS: Mapping[AvailableIs, tuple[str, ...]] = {
    AvailableIs.ON_HAND: (),
    AvailableIs.LESS_ALLOCATED: ("allocated",),
    AvailableIs.LESS_HELD: ("held",),
    AvailableIs.LESS_ALLOCATED_AND_HELD: ("allocated", "held"),
}

SETTING = "available_is"
DESCRIPTION = (
    "What the system's own `available` is: `ON_HAND` (good stock, nothing taken off),"
    " `LESS_ALLOCATED`, `LESS_HELD` or `LESS_ALLOCATED_AND_HELD`. It never counts; levels that"
    " bring `available` with `allocated` and `held` are held against it. Empty: nobody knows."
)
EQUATIONS: Mapping[str, str] = {form.value: form.equation for form in AvailableIs}


def contradictions(
    levels: Iterable[Record], form: AvailableIs | None, vocabulary: Vocabulary
) -> tuple[Untranslatable, ...]:
    """Say in one word how many levels of good stock contradict the equation, if any does.

    A level that lacks a term, or of which one cannot be read, says nothing of it; a number that
    stops at zero agrees.
    """
    if form is None:
        return ()
    found = [said for level in levels if (said := _held_against(level, form, vocabulary))]
    wrong = [said for said, is_right in found if not is_right]
    if not wrong:
        return ()
    reason = (
        f"{len(wrong)} of {len(found)} levels contradict what {SETTING} says, {form.equation!r}:"
        f" {wrong[0]}. Nothing was copied from it; say what the number is, or have it mended"
    )
    return (
        Untranslatable(code=SCHEMA, where="available", reason=reason, record=form.value.encode()),
    )


def _held_against(
    level: Record, form: AvailableIs, vocabulary: Vocabulary
) -> tuple[str, bool] | None:
    """Give the sum and whether it is right; None where the level does not bring all of it."""
    try:
        names = ("available", "quantity", *form.terms)
        is_good = vocabulary.status(level, "status", StockStatus.AVAILABLE)
        if is_good is not StockStatus.AVAILABLE or any(level.value(x) is None for x in names):
            return None
        available, quantity, *terms = (level.decimal(name) for name in names)
        item = level.text("item")
    except Invalid:
        return None
    made = quantity - sum(terms, Decimal(0))
    said = " - ".join(f"{number:f}" for number in (quantity, *terms))
    return f"{item} says {available:f}, {said} is {made:f}", available in {made, max(made, 0)}
