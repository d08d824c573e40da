"""Whether a product's own number of what is available is made as its connection says (§3.2).

Of a warehouse system or a database nobody can say for all what it means: each connection names the
equation. The number itself counts nowhere; where it comes with its terms, it is held against them,
and where it comes and nobody has said what it is, that is said.
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
    NOT_TOLD = "NOT_TOLD"

    @property
    def terms(self) -> tuple[str, ...]:
        return _TERMS[self]

    @property
    def equation(self) -> str:
        if self is AvailableIs.NOT_TOLD:
            return "it tells no number of its own"
        return " - ".join(("available = good stock", *self.terms))


_TERMS: Mapping[AvailableIs, tuple[str, ...]] = {
    AvailableIs.ON_HAND: (),
    AvailableIs.LESS_ALLOCATED: ("allocated",),
    AvailableIs.LESS_HELD: ("held",),
    AvailableIs.LESS_ALLOCATED_AND_HELD: ("allocated", "held"),
    AvailableIs.NOT_TOLD: (),
}

SETTING = "available_is"
DESCRIPTION = (
    "What the system's own `available` is: `ON_HAND` (good stock, nothing taken off),"
    " `LESS_ALLOCATED`, `LESS_HELD` or `LESS_ALLOCATED_AND_HELD`; `NOT_TOLD` if it tells none. It"
    " never counts; levels that bring `available` with `allocated` and `held` are held against it."
    " Empty: nobody knows, and levels that bring it all the same are in quarantine and a case."
)
FORMS_SAID = ", ".join(AvailableIs)
UNSAID = b"nobody has said what it is"
"""What an entry of quarantine holds while that is so."""
EQUATIONS: Mapping[str, str] = {form.value: form.equation for form in AvailableIs}


def contradictions(
    levels: Iterable[Record], form: AvailableIs | None, vocabulary: Vocabulary
) -> tuple[Untranslatable, ...]:
    """Say in one word how many levels of good stock contradict the equation, if any does.

    A level that lacks a term, or of which one cannot be read, says nothing of it; a number that
    stops at zero agrees. Where none is said, or that none is told, each that comes contradicts.
    """
    if form is None or form is AvailableIs.NOT_TOLD:
        return _unsaid(sum(level.value("available") is not None for level in levels), form)
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


def _unsaid(count: int, form: AvailableIs | None) -> tuple[Untranslatable, ...]:
    if not count:
        return ()
    what = "nobody has said what it is" if form is None else f"{SETTING} says that it tells none"
    reason = (
        f"{count} levels bring a number of their own as `available`, and {what}. Nothing was"
        f" copied from it; say by {SETTING} of the connection what it is: {FORMS_SAID}"
    )
    record = UNSAID if form is None else form.value.encode()
    return (Untranslatable(code=SCHEMA, where="available", reason=reason, record=record),)


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
