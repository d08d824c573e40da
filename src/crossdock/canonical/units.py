"""Units of measure: one name for each, exact conversion per item, and rounding to what is sold.

Factors are whole-number ratios to the item's base unit and conversions go through it in one step,
so no rounded factor is ever multiplied with another (domain.md §1.0).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Self

from crossdock.canonical.catalog import ItemUnit
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS, Quantity, round_up

_WHOLE = Decimal(1)
_MILLI = Decimal("0.001")
_MICRO = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit by its name here, in UN/ECE Rec 20 and 21, in X12 (element 355), and elsewhere.

    `step` is the smallest amount that can be handed over: one case, one gram.
    """

    code: str
    title: str
    unece: str
    x12: str
    spellings: tuple[str, ...] = ()
    step: Decimal = _WHOLE


def _counted(code: str, title: str, unece: str, x12: str, *spellings: str) -> Unit:
    return Unit(code=code, title=title, unece=unece, x12=x12, spellings=spellings)


def _measured(code: str, title: str, x12: str, *spellings: str) -> Unit:
    return Unit(code=code, title=title, unece=code, x12=x12, spellings=spellings, step=_MILLI)


# Case and carton stay apart: whoever uses both means two things by them. Rec 21 packages carry an
# X before them in Rec 20. Spellings that mean different things to different senders (ST is a set
# in X12 and a piece in SAP; PL a pallet in X12 and a pail in Rec 21) follow X12 and the trade.
UNITS: tuple[Unit, ...] = (
    _counted("EA", "each", "EA", "EA", "C62", "H87", "EACH", "PC", "PCE", "PCS", "PIECE", "STK",
             "UN", "UNIT"),
    _counted("CS", "case", "XCS", "CA", "CASE"),
    _counted("CT", "carton", "XCT", "CT", "CTN", "CARTON", "KAR"),
    _counted("BX", "box", "XBX", "BX", "BOX"),
    _counted("PK", "pack", "XPK", "PK", "PACK", "PKG", "PAC", "PAK"),
    _counted("PL", "pallet", "XPX", "PL", "PALLET", "PAL", "PLT", "PX"),
    _counted("BG", "bag", "XBG", "BG", "BAG"),
    _counted("BO", "bottle", "XBO", "BO", "BOTTLE", "BTL"),
    _counted("CN", "can", "XCX", "CN", "CAN", "CX"),
    _counted("DR", "drum", "XDR", "DR", "DRUM"),
    _counted("RL", "roll", "XRO", "RL", "ROLL", "RO", "ROL"),
    _counted("DZN", "dozen", "DZN", "DZ", "DOZ", "DOZEN"),
    _counted("PR", "pair", "PR", "PR", "PAIR", "PAA"),
    _counted("SET", "set", "SET", "ST"),
    _counted("MIL", "thousand", "MIL", "TH", "THD"),
    _measured("KGM", "kilogram", "KG", "KGS", "KILOGRAM"),
    _measured("GRM", "gram", "GR", "G", "GRAM"),
    _measured("TNE", "metric ton", "MP", "TONNE"),
    _measured("LBR", "pound", "LB", "LBS", "POUND"),
    _measured("ONZ", "ounce", "OZ", "OUNCE"),
    _measured("MTR", "metre", "MR", "M", "METER", "METRE"),
    _measured("CMT", "centimetre", "CM"),
    _measured("FOT", "foot", "FT", "LF", "FOOT", "FEET"),
    _measured("INH", "inch", "IN", "INCH"),
    _measured("MTK", "square metre", "SM", "M2", "SQM"),
    _measured("FTK", "square foot", "SF", "FT2", "SQFT"),
    _measured("MTQ", "cubic metre", "CR", "M3", "CBM"),
    _measured("LTR", "litre", "LT", "L", "LITER", "LITRE"),
    _measured("MLT", "millilitre", "ML"),
    _measured("GLL", "US gallon", "GA", "GAL", "GALLON"),
)  # fmt: skip

UNIT_BY_SPELLING: Mapping[str, Unit] = MappingProxyType(
    {
        spelling: unit
        for unit in UNITS
        for spelling in (unit.code, unit.unece, unit.x12, *unit.spellings)
    }
)


def canonical_unit(spelling: str) -> str:
    """Name a unit as it is named here; one that is in no list keeps its own name, in capitals."""
    name = spelling.strip().upper()
    unit = UNIT_BY_SPELLING.get(name)
    return unit.code if unit else name


@dataclass(frozen=True, slots=True)
class ItemUnits:
    """The units of one item: how many base units each holds, exactly."""

    base_unit: str
    factors: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])

    @classmethod
    def of(cls, base_unit: str, units: Iterable[ItemUnit] = ()) -> Self:
        """Check and collect an item's units; the base unit itself holds one, whoever lists it."""
        factors = {base_unit: Fraction(1)}
        for unit in units:
            if unit.numerator <= 0 or unit.denominator <= 0:
                raise Invalid(f"{unit.unit} holds no positive amount", code="MD-UOM")
            factor = Fraction(unit.numerator, unit.denominator)
            if factors.setdefault(unit.unit, factor) != factor:
                raise Invalid(
                    f"{unit.unit} holds both {factors[unit.unit]} and {factor} {base_unit}",
                    code="MD-UOM",
                )
        return cls(base_unit, MappingProxyType(factors))

    def factor(self, unit: str) -> Fraction:
        """Answer how many base units one `unit` holds."""
        if unit in self.factors:
            return self.factors[unit]
        raise Invalid(f"The item has no unit {unit!r}", code="MD-UOM", hint=self._near_name(unit))

    def converted(self, quantity: Quantity, unit: str) -> Fraction:
        """Convert without rounding: 1 EA of a case of 12 is 1/12 CS."""
        return Fraction(quantity.value) * self.factor(quantity.unit) / self.factor(unit)

    def exactly(self, quantity: Quantity, unit: str) -> Quantity:
        """Convert what comes out in whole millionths; anything else is an error, not rounded."""
        amount = self.converted(quantity, unit) * MICROS
        if amount.denominator != 1:
            raise Invalid(f"{quantity} is not an exact amount of {unit}", code="MD-UOM")
        return Quantity.from_micros(amount.numerator, unit)

    def purchasable(
        self, need: Quantity, *, minimum: Quantity | None = None, multiple: Quantity | None = None
    ) -> Quantity:
        """Round a need up to the supplier's multiple, not below its minimum order (P14)."""
        unit = need.unit
        wanted = Fraction(need.value)
        if minimum:
            wanted = max(wanted, self.converted(minimum, unit))
        step = self.exactly(multiple, unit).value if multiple else step_of(unit)
        return Quantity(round_up(wanted, _positive(step)), unit)

    def suspected_unit(self, one: Quantity, other: Quantity) -> str:
        """Name the unit whose factor is exactly the ratio of two counts of the same goods (R5).

        24 against 288 of an item in cases of 12 is a mistaken unit, not a difference to adjust.
        """
        if one.unit != other.unit or not one.value or not other.value:
            return ""
        ratio = Fraction(one.value) / Fraction(other.value)
        likely = (
            unit
            for unit, factor in sorted(self.factors.items())
            if factor != 1 and ratio in {factor, 1 / factor}
        )
        return next(likely, "")

    def _near_name(self, unit: str) -> str:
        named = canonical_unit(unit)
        same = sorted(known for known in self.factors if canonical_unit(known) == named)
        return f"It has {same[0]!r}, another spelling of it." if same else ""


def step_micros(unit: str) -> int:
    """Give the smallest amount of a unit that changes hands, in millionths of it."""
    return int(step_of(unit) * MICROS)


def step_of(unit: str) -> Decimal:
    """Find the smallest amount of a unit that changes hands; unlisted units are counted whole."""
    listed = UNIT_BY_SPELLING.get(unit.strip().upper())
    return listed.step if listed else _WHOLE


def _positive(step: Decimal) -> Decimal:
    if step <= 0:
        raise Invalid("A multiple is a positive amount", code="MD-UOM")
    return step
