"""Amounts of money: exact, in one currency each, rounded once and last."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity, decimal_of, plain, round_half_up

# ISO 4217: how many decimals the smallest coin of a currency has, by number of decimals.
_CURRENCIES_BY_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
        "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
        "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL "
        "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN "
        "PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
        "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

DECIMALS_BY_CURRENCY = {
    currency: decimals
    for decimals, currencies in _CURRENCIES_BY_DECIMALS.items()
    for currency in currencies.split()
}


def minor_unit(currency: str) -> Decimal:
    """Answer the smallest amount of a currency that can be paid: a cent, a yen, a fils."""
    if currency not in DECIMALS_BY_CURRENCY:
        raise Invalid(f"{currency!r} is not a currency of ISO 4217")
    return Decimal(1).scaleb(-DECIMALS_BY_CURRENCY[currency])


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency, with up to six decimals until it is `rounded`."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        minor_unit(currency)
        return cls(decimal_of(amount), currency)

    def __add__(self, other: Self) -> "Money":
        return Money(self.amount + self._in_same_currency(other), self.currency)

    def __sub__(self, other: Self) -> "Money":
        return Money(self.amount - self._in_same_currency(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.amount < self._in_same_currency(other)

    def __le__(self, other: Self) -> bool:
        return self.amount <= self._in_same_currency(other)

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.currency}"

    def rounded(self) -> "Money":
        """Round to what can be paid, halves away from zero; to be done once, at the end."""
        return _rounded(Fraction(self.amount), self.currency)

    def split(self, weights: Sequence[int | Decimal]) -> tuple["Money", ...]:
        """Share out by weight, in payable amounts that add up to the whole again.

        What rounding leaves over goes coin by coin to the largest fractions, first among equals.
        """
        coin = minor_unit(self.currency)
        coins = Fraction(self.amount) / Fraction(coin)
        total = sum(map(Fraction, weights), Fraction())
        if coins.denominator != 1:
            raise Invalid(f"{self} is not a payable amount: round it first")
        if total <= 0 or any(weight < 0 for weight in weights):
            raise Invalid("Shares need weights of zero or more, and one above zero")
        exact = [coins * Fraction(weight) / total for weight in weights]
        shares = [share.numerator // share.denominator for share in exact]
        left = coins.numerator - sum(shares)
        by_fraction = sorted(range(len(exact)), key=lambda place: shares[place] - exact[place])
        for place in by_fraction[:left]:
            shares[place] += 1
        return tuple(Money(share * coin, self.currency) for share in shares)

    def _in_same_currency(self, other: Self) -> Decimal:
        if other.currency != self.currency:
            raise Invalid(f"{other} cannot be combined with {self}: they are two currencies")
        return other.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrice:
    """What `basis` units cost: 12.50 EUR per 100 EA is a price with the basis 100."""

    price: Money
    unit: str
    basis: int = 1

    def extended(self, quantity: Quantity) -> Money:
        """Price an amount, rounded once to what can be paid."""
        if quantity.unit != self.unit:
            raise Invalid(f"{quantity} has no price per {self.unit}: convert it first")
        if self.basis <= 0:
            raise Invalid("A price is for a positive number of units")
        amount = Fraction(self.price.amount) * Fraction(quantity.value) / self.basis
        return _rounded(amount, self.price.currency)


def _rounded(amount: Fraction, currency: str) -> Money:
    return Money(round_half_up(amount, minor_unit(currency)), currency)
