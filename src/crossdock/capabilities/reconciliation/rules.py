"""What a house tolerates, and which differences heal by themselves: its rules (§4.2, §4.3). Pure.

Rules are put, never changed: version 0 is built in and says what the law's defaults say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS, plain
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.model import AMOUNT_MAX, ItemClass, Tolerance
from crossdock.capabilities.reconciliation.money import currency_of
from crossdock.capabilities.reconciliation.price_limits import PriceTolerance
from crossdock.capabilities.reconciliation.ranking import CountReason, Remedy
from crossdock.capabilities.reconciliation.triggers import TRIGGERS, Counting, counting_of

HEALABLE = (Remedy.REDRIVE, Remedy.REFETCH, Remedy.REPUBLISH)
"""What can be mended without a person: an exact document, or a channel's level. No adjustment."""
ATTEMPTS_MOST = 10
UNPRICED_MAX = 1_000_000
PPM_OF_PERCENT = 10_000
PPM_MAX = 1_000_000
MILLE_OF_PERCENT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`heals` are the remedies that are carried out by themselves; the others escalate.

    A document is sent or read again `attempts` times, and by then it is for a person. `brake` is
    how much a run may mend: thousandths of its keys, money in micros of the functional currency,
    which it names, and keys without a price. `document_ppm` is how much of an open order or
    purchase order line is let pass, in millionths. `prices` is by how much an invoice may be
    priced otherwise than agreed. `counting` is what the hub has counted by itself.
    """

    tolerance: Tolerance = field(default_factory=Tolerance)
    document_ppm: int = 0
    prices: PriceTolerance = field(default_factory=PriceTolerance)
    heals: tuple[Remedy, ...] = HEALABLE
    attempts: int = 2
    brake: Brake = field(default_factory=Brake)
    counting: Counting = field(default_factory=Counting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Rules as they were put, and by whom. Version 0 is built in."""

    version: int
    put_at: datetime | None
    put_by: str
    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationRulesShown:
    """A version of the rules, with the amounts as people write them.

    `tolerance_percent` is of the booked quantity by class, `tolerance_absolute` in base units,
    `tolerance_value`, `tolerance_price_value` and `most_value` money in the functional currency.
    Of what was agreed of an invoiced line `tolerance_price_percent` by class may be priced
    otherwise. The functional currency is `currency` ("":
    nobody has named it). `most_percent` is how many of the compared keys one run may mend by
    itself, `most_unpriced` how many without a price. At a location the hub asks for `counts_a_day`
    second counts by itself, and as many for the reasons in `count_when`, beside recalls.
    """

    version: int
    put_at: datetime | None
    put_by: str
    tolerance_absolute: Decimal
    tolerance_percent: Mapping[str, Decimal]
    tolerance_value: Decimal
    tolerance_documents_percent: Decimal
    tolerance_price_percent: Mapping[str, Decimal]
    tolerance_price_value: Decimal
    heals: tuple[str, ...]
    attempts: int
    most_percent: Decimal
    most_value: Decimal
    currency: str
    most_unpriced: int
    counts_a_day: int
    count_when: tuple[str, ...]


def checked(rules: Rules) -> Rules:
    """Give rules in one order; raises `Invalid` for what is none."""
    if strange := [one for one in rules.heals if one not in HEALABLE]:
        raise Invalid(
            f"{strange[0]} does not heal by itself",
            where="/heals",
            hint="REDRIVE, REFETCH or REPUBLISH: all else is for a person",
        )
    if not 1 <= rules.attempts <= ATTEMPTS_MOST:
        raise Invalid(f"1 to {ATTEMPTS_MOST} attempts", where="/attempts")
    shares = {f"/tolerance_percent/{of}": ppm for of, ppm in rules.tolerance.share_ppm.items()}
    shares |= {f"/tolerance_price_percent/{of}": ppm for of, ppm in rules.prices.share_ppm.items()}
    shares["/tolerance_documents_percent"] = rules.document_ppm
    for where, ppm in shares.items():
        if not 0 <= ppm <= PPM_MAX:
            raise Invalid("0 to 100 percent", where=where)
    amounts = (
        rules.prices.value,
        rules.tolerance.absolute,
        rules.tolerance.value,
        rules.brake.value,
    )
    if not all(0 <= one <= AMOUNT_MAX for one in amounts):
        raise Invalid("an amount is zero or more, and below what can be", where="/")
    heals = tuple(one for one in HEALABLE if one in rules.heals)
    counting = counting_of(rules.counting.a_day, rules.counting.when)
    return replace(rules, heals=heals, brake=_checked(rules.brake), counting=counting)


def _checked(brake: Brake) -> Brake:
    if not 0 <= brake.keys_mille <= PPM_MAX // 1000:
        raise Invalid("0 to 100 percent, in tenths", where="/most_percent")
    if not 0 <= brake.unpriced <= UNPRICED_MAX:
        raise Invalid(f"0 to {UNPRICED_MAX} keys without a price", where="/most_unpriced")
    return replace(brake, currency=currency_of(brake.currency, "/currency"))


def content_of(rules: Rules) -> dict[str, Any]:
    """Word rules as they are stored: whole micros, millionths and thousandths."""
    return {
        "absolute": rules.tolerance.absolute,
        "share_ppm": {str(of): ppm for of, ppm in rules.tolerance.share_ppm.items()},
        "value": rules.tolerance.value,
        "document_ppm": rules.document_ppm,
        "price_ppm": {str(of): ppm for of, ppm in rules.prices.share_ppm.items()},
        "price_value": rules.prices.value,
        "heals": [str(one) for one in rules.heals],
        "attempts": rules.attempts,
        "keys_mille": rules.brake.keys_mille,
        "value_cap": rules.brake.value,
        "currency": rules.brake.currency,
        "unpriced": rules.brake.unpriced,
        "counts_a_day": rules.counting.a_day,
        "count_when": [str(one) for one in rules.counting.when],
    }


def rules_of(content: Mapping[str, Any]) -> Rules:
    return Rules(
        tolerance=Tolerance(
            absolute=content["absolute"],
            share_ppm={ItemClass(of): ppm for of, ppm in content["share_ppm"].items()},
            value=content["value"],
        ),
        document_ppm=content.get("document_ppm", 0),  # rules that were put before say none
        prices=_prices(content),
        heals=tuple(Remedy(one) for one in content["heals"]),
        attempts=content["attempts"],
        brake=Brake(
            keys_mille=content["keys_mille"],
            value=content["value_cap"],
            currency=content.get("currency", ""),
            unpriced=content.get("unpriced", Brake().unpriced),
        ),
        counting=Counting(
            a_day=content.get("counts_a_day", Counting().a_day),
            when=tuple(CountReason(one) for one in content.get("count_when", TRIGGERS)),
        ),
    )


def _prices(content: Mapping[str, Any]) -> PriceTolerance:
    built_in = PriceTolerance()
    said = content.get("price_ppm", built_in.share_ppm)
    return PriceTolerance(
        share_ppm={ItemClass(of): ppm for of, ppm in said.items()},
        value=content.get("price_value", built_in.value),
    )


def rules_shown(one: Version) -> ReconciliationRulesShown:
    rules = one.rules
    return ReconciliationRulesShown(
        version=one.version,
        put_at=one.put_at,
        put_by=one.put_by,
        tolerance_absolute=_parted(rules.tolerance.absolute, MICROS),
        tolerance_percent={
            of: _parted(rules.tolerance.share_ppm[of], PPM_OF_PERCENT) for of in ItemClass
        },
        tolerance_value=_parted(rules.tolerance.value, MICROS),
        tolerance_documents_percent=_parted(rules.document_ppm, PPM_OF_PERCENT),
        tolerance_price_percent={
            of: _parted(rules.prices.share_ppm[of], PPM_OF_PERCENT) for of in ItemClass
        },
        tolerance_price_value=_parted(rules.prices.value, MICROS),
        heals=tuple(rules.heals),
        attempts=rules.attempts,
        most_percent=_parted(rules.brake.keys_mille, MILLE_OF_PERCENT),
        most_value=_parted(rules.brake.value, MICROS),
        currency=rules.brake.currency,
        most_unpriced=rules.brake.unpriced,
        counts_a_day=rules.counting.a_day,
        count_when=tuple(rules.counting.when),
    )


def _parted(whole: int, of: int) -> Decimal:
    return Decimal(plain(Decimal(whole) / of))
