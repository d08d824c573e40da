"""What is offered where an item itself does not reach what is asked by the day. Pure.

Each alternative has its own answer by date. An offer says how much of what is asked it covers on
time, in amounts of the asked item and of its own; a proposal shares out what is asked: what the
item itself has on time, then the alternatives as the rule chooses, and the rest where the rule
keeps it (§3.5). Nothing is replaced by it: it is advice, with the rule and version behind it.
Amounts are micros of base units.
"""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import accumulate

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.canonical.units import step_micros
from crossdock.capabilities.supply import model
from crossdock.capabilities.supply.answer import Atp, Basis, Offer, Question, Share
from crossdock.capabilities.supply.substitution import (
    Option,
    SubstitutionRule,
    covered,
    needed,
)


def lacking(answer: Atp) -> int:
    """Say how much of what is asked the item itself does not have on time, or not as packs."""
    if answer.quantity is None:
        return 0
    return answer.quantity - on_time(answer) + answer.remainder


def on_time(answer: Atp) -> int:
    """Say how much is there by the day asked for, or on any day where none was."""
    if answer.by is not None:
        return answer.by_then or 0
    if answer.basis in {Basis.SUPPLY, Basis.UNLIMITED}:
        return answer.quantity or 0
    return sum(part.micros for part in answer.schedule)


def asking(question: Question, answer: Atp, option: Option) -> Question:
    """Ask for as much of an alternative as replaces what is lacking, while it may leave."""
    wanted = needed(lacking(answer), option.factor, step_micros(option.unit))
    return question._replace(
        item=option.item,
        unit=option.unit,
        micros=wanted,
        not_before=option.not_before,
        before=option.before,
    )


def offer(answer: Atp, option: Option, found: Atp) -> Offer:
    """Say what an alternative has on time, and from which day on."""
    has = min(on_time(found), found.quantity or 0)
    reason, first = found.reason, option.not_before
    if first is not None and answer.by is not None and answer.by < first:
        reason = f"it follows from {first} on"
    covers = min(lacking(answer), covered(has, option.factor, step_micros(answer.unit)))
    return Offer(option, found, has, covers, found.promised_on, reason)


def proposed(
    answer: Atp, offers: Sequence[Offer], rule: SubstitutionRule | None
) -> tuple[Share, ...]:
    """Share out what is asked; without offers that cover anything nothing is proposed.

    What somebody has to approve is offered, and no part of a proposal (§1.2).
    """
    rule = rule or SubstitutionRule(item=answer.item)
    ordered = [one for one in offers if not one.option.requires_approval]
    if rule.chooses is Chooses.MAX_ON_TIME:
        ordered.sort(key=lambda one: -one.covers)  # ranks decide between equals
    own, rest = on_time(answer), lacking(answer)
    drawn = _draws(answer) if own else set[str]()
    shares: list[tuple[Offer, Share]] = []
    for one in ordered:
        if drawn & _draws(one.answer):
            continue
        share = _share(answer, one, min(rest, one.covers))
        if share.covers:
            shares.append((one, share))
            drawn |= _draws(one.answer)
            rest -= share.covers
    if not shares:
        return ()
    found = [share for _, share in shares]
    if own:
        found.insert(0, Share(answer.item, answer.unit, own, own, _when(answer, own)))
    return (*found, *_rest(answer, shares[0][0], rest, rule.keeps_rest))


def _draws(answer: Atp) -> set[str]:
    """Name the items that a part of a proposal takes: an item, and what it is put together from.

    Of what two of them draw on each was told what it could have alone (A30).
    """
    return {answer.item, *(part.item for part in answer.parts if part.per)}


def _share(answer: Atp, one: Offer, covers: int) -> Share:
    """Take whole packs of an alternative for what it is to cover (A31)."""
    option = one.option
    micros = min(one.on_time, _packed(one.answer, needed(covers, *_by(option))))
    covers = min(covers, covered(micros, option.factor, step_micros(answer.unit)))
    on = _when(one.answer, micros)
    return Share(option.item, option.unit, micros, covers, on, option.ruled, option.version)


def _rest(answer: Atp, leading: Offer, rest: int, keeps: KeepsRest) -> list[Share]:
    """Keep what nothing has on time with packs of what leads, or with the item itself.

    What is less than a pack of the item stays in the proposal, as so much that nothing covers.
    """
    found: list[Share] = []
    option = leading.option
    if keeps is KeepsRest.LEADING:
        micros = _packed(leading.answer, needed(rest, *_by(option)))
        covers = min(rest, covered(micros, option.factor, step_micros(answer.unit)))
        ruled = option.ruled, option.version
        found.append(Share(option.item, option.unit, micros, covers, None, *ruled))
        rest -= covers
    micros = _packed(answer, rest)
    covers = min(rest, micros)
    found.append(Share(answer.item, answer.unit, micros, covers, answer.promised_on))
    found.append(Share(answer.item, answer.unit, 0, rest - covers, None))
    return [one for one in found if one.covers]


def _by(option: Option) -> tuple[Fraction, int]:
    return option.factor, step_micros(option.unit)


def _packed(answer: Atp, micros: int) -> int:
    return model.in_packs(micros, answer.pack, up=answer.pack_up)


def _when(answer: Atp, micros: int) -> date | None:
    """Find the day by which so much of an answer's schedule has left."""
    gone = accumulate(part.micros for part in answer.schedule)
    days = (
        part.day for part, so_far in zip(answer.schedule, gone, strict=True) if so_far >= micros
    )
    return next(days, None)
