"""Keeps what each sales channel shows in step with what there is, without overselling (§3.7).

One instance per channel connection, location in the channel, and item. It sends compare-and-set
writes, one at a time: each says what the channel is believed to hold. A refused comparison tells
what it really holds; a fall that nobody has explained yet is a sale whose order is on its way, so
it is kept back until the order is counted or the wait for it is over (A24).

What it believes the channel to hold may be wrong, since words are lost and clocks differ. Whatever
leaves that open is a doubt, and a doubt ends only with a write: one of the same amount, if nothing
else is to be written. Its comparison tells.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.commands import Lane, Settlement
from crossdock.capabilities.inventory.publishing import (
    Pace,
    available_to_sell,
    exposed_when_stale,
    pace,
)
from crossdock.orchestration.decision import CloseCase, Decision
from crossdock.orchestration.processes.availability_state import Facts, Flight, Shown
from crossdock.orchestration.processes.availability_writes import amount, write

NAME = "availability_publishing"

PATIENCE = timedelta(minutes=15)
"""How long a write may stay without an outcome before a person hears of it."""

OVERTAKE = timedelta(seconds=10)
"""How long a write may be under way before one that shows less is sent after it."""

WHOLE_SECOND = timedelta(seconds=1)
"""Channels may tell their time in whole seconds: a word may be so much newer than it says."""

DRIFT = timedelta(seconds=10)
"""How far a channel's clock may be behind ours before its news is taken for old."""

READ_BACK = timedelta(days=1)
"""How long what a channel is believed to hold goes without its word or a proof."""


def decide(shown: Shown, facts: Facts, now: datetime) -> Decision[Shown]:
    """Learn what the channel holds, account for it, then write; leave one that is off alone."""
    if not facts.agreement.is_active:
        return _untroubled(shown, facts, "the channel is switched off")
    settled = _settled(shown, facts, now)
    ledger = _explained(_heard(settled.ledger, facts, now), facts, now)
    chosen = _chosen(_asked(ledger, facts), facts, now)
    return replace(
        chosen,
        timers=_timers(chosen.ledger, facts, now),
        cases=settled.cases + chosen.cases,
        note="; ".join(note for note in (settled.note, chosen.note) if note),
    )


def _settled(shown: Shown, facts: Facts, now: datetime) -> Decision[Shown]:
    """Take in the outcome of the write in flight, if it is here."""
    flight, level = shown.flight, facts.level
    if flight is None or level.settled_version != flight.version:
        return Decision(ledger=shown)
    landed = replace(shown, flight=None)
    if level.settlement is Settlement.DONE:
        # The comparison held: the channel had not fallen unseen, for any order known by then.
        proven = _proven(landed, flight, now)
        return Decision(
            ledger=replace(
                proven,
                held=flight.level,
                unexplained=proven.unexplained + flight.awaited,
                corrections=0,
                retry_at=None,
            )
        )
    if level.settlement is Settlement.STALE:
        return _contradicted(landed, flight, facts, now)
    if level.settlement is Settlement.SUPERSEDED:
        return Decision(ledger=landed)
    return _failed(landed, flight, facts, now)


def _proven(shown: Shown, flight: Flight, now: datetime) -> Shown:
    """Note when the channel itself told what it holds: between sending the write and now."""
    return replace(shown, held_from=flight.sent_at, held_at=now, doubtful=None, is_doubted=False)


def _contradicted(shown: Shown, flight: Flight, facts: Facts, now: datetime) -> Decision[Shown]:
    """Believe what the channel really holds, and count the correction."""
    observed, agreement = facts.level.observed, facts.agreement
    corrected = replace(shown, corrections=shown.corrections + 1)
    if observed is not None:
        found = _found(replace(corrected, held=flight.expected), observed, facts, now)
        # What it fell by is known now; orders that were known before await no more of it.
        in_vain = max(0, flight.awaited - (found.unexplained - corrected.unexplained))
        found = replace(found, unexplained=found.unexplained + in_vain)
        corrected = _proven(found, flight, now)
    holds = "an amount it did not tell" if observed is None else amount(observed)
    note = f"the channel holds {holds}, not {amount(flight.expected)}"
    if corrected.corrections < agreement.corrections_max:
        return Decision(ledger=corrected, note=note)
    ledger = replace(corrected, corrections=0, retry_at=now + agreement.retry, is_troubled=True)
    title = f"{corrected.corrections} writes in a row met another amount: {note}"
    return Decision(ledger=ledger, note=title, cases=(_case("PUB-STALE", title, ledger, facts),))


def _failed(shown: Shown, flight: Flight, facts: Facts, now: datetime) -> Decision[Shown]:
    """Tell a person that the write was refused or that nobody knows, and try again later."""
    is_doubtful = facts.level.settlement is Settlement.PARKED
    ledger = replace(
        shown,
        doubtful=flight.level if is_doubtful else shown.doubtful,
        retry_at=now + facts.agreement.retry,
        is_troubled=True,
    )
    said = "has no known outcome" if is_doubtful else "was refused"
    title = f"the write of {amount(flight.level)} {said}: {facts.level.detail or 'no reason'}"
    return Decision(ledger=ledger, note=title, cases=(_case("PUB-FAIL", title, ledger, facts),))


def _heard(shown: Shown, facts: Facts, now: datetime) -> Shown:
    """Take in what the channel says by itself, unless it is an echo or older than what we know.

    Where the clocks cannot tell whether it is older, it is not believed, but it raises a doubt.
    """
    level = facts.level
    if level.heard is None or level.heard_at is None or shown.flight is not None:
        return shown  # during a flight its outcome tells more; this is looked at after it
    # The same word again after a write of ours: late, or of a change back to the same number.
    is_again = level.repeated_at != shown.repeated_at and level.heard != shown.held
    is_doubted = shown.is_doubted or is_again or level.disputed_at != shown.disputed_at
    shown = replace(
        shown,
        disputed_at=level.disputed_at,
        repeated_at=level.repeated_at,
        is_doubted=is_doubted,
    )
    if shown.heard_at is not None and level.heard_at <= shown.heard_at:
        return shown
    listened = replace(shown, heard_at=level.heard_at)
    if shown.held_from is not None and level.heard_at <= shown.held_from - DRIFT:
        return listened
    is_newer = shown.held_at is None or level.heard_at > shown.held_at + WHOLE_SECOND
    if is_newer:
        found = listened
        if level.heard != shown.held:
            found = _found(listened, level.heard, facts, now)
        held_at = min(level.heard_at, now)  # a clock that is ahead must not put off the read-back
        return replace(found, held_from=held_at, held_at=held_at)
    return replace(listened, is_doubted=is_doubted or level.heard != shown.held)


def _found(shown: Shown, observed: int, facts: Facts, now: datetime) -> Shown:
    """Note what the channel turns out to hold, and the fall that it takes an order to explain."""
    is_our_own = observed == shown.doubtful
    fall = 0 if shown.held is None or is_our_own else max(0, shown.held - observed)
    return replace(
        shown,
        held=observed,
        doubtful=None,
        unexplained=shown.unexplained + fall,
        unexplained_until=now + facts.agreement.wait_for_order
        if fall
        else shown.unexplained_until,
    )


def _explained(shown: Shown, facts: Facts, now: datetime) -> Shown:
    """Let new demand explain falls, or wait for its fall.

    After the wait a fall was no sale, and orders without a fall are a doubt, to be proven at once.
    """
    is_over = shown.unexplained_until is not None and shown.unexplained_until <= now
    if is_over and shown.flight is None:
        shown = replace(shown, unexplained_until=None)
        if shown.unexplained < 0:
            shown = replace(shown, is_doubted=True, flush_at=now)
        else:
            shown = replace(shown, unexplained=0)
    rise = 0 if shown.demand is None else max(0, facts.demand - shown.demand)
    if not rise:
        return replace(shown, demand=facts.demand)
    return replace(
        shown,
        demand=facts.demand,
        unexplained=shown.unexplained - rise,
        unexplained_until=now + facts.agreement.wait_for_order,
    )


def _asked(shown: Shown, facts: Facts) -> Shown:
    """Note that a person wants the level written now, whatever the channel is believed to hold."""
    asked_at = facts.level.asked_at
    if asked_at == shown.asked_at:
        return shown
    return replace(shown, asked_at=asked_at, is_asked=True, retry_at=None)


def _target(shown: Shown, facts: Facts, now: datetime) -> int | None:
    """Say what the channel should hold; None while nothing is to be written."""
    terms = facts.agreement.terms
    is_resting = shown.retry_at is not None and now < shown.retry_at
    if facts.pool is None or is_resting or (terms.is_excluded and not shown.held):
        return None
    unexplained = max(0, shown.unexplained)
    if facts.is_stale(now):
        careful = facts.terms_when_stale(now)
        target = exposed_when_stale(facts.pool, shown.held, careful, unexplained=unexplained)
    else:
        target = available_to_sell(facts.pool, terms) - unexplained
    return max(0, target) // terms.pack * terms.pack


def _chosen(shown: Shown, facts: Facts, now: datetime) -> Decision[Shown]:
    """Write now, later, or not at all."""
    if shown.flight is not None:
        return _waiting(shown, shown.flight, facts, now)
    target = _target(shown, facts, now)
    if target is None:
        return Decision(ledger=replace(shown, flush_at=None))
    how_soon = (
        Pace.IMMEDIATE if shown.is_asked else pace(shown.held, target, facts.agreement.terms)
    )
    is_shown = how_soon is Pace.NONE and shown.doubtful is None
    if is_shown and not shown.is_doubted and not _is_unproven(shown, now):
        rested = replace(shown, flush_at=None, retry_at=None)
        return _untroubled(rested, facts, "the channel shows what it should")
    flush_at = shown.flush_at or now + facts.agreement.coalesce
    if (is_shown or how_soon is Pace.COALESCED) and now < flush_at:
        return Decision(ledger=replace(shown, flush_at=flush_at))
    return _sent(shown, facts, target, how_soon, now)


def _is_unproven(shown: Shown, now: datetime) -> bool:
    return shown.held_at is not None and shown.held_at + READ_BACK <= now


def _sent(
    shown: Shown, facts: Facts, target: int, how_soon: Pace, now: datetime
) -> Decision[Shown]:
    version = shown.version + 1
    flight = Flight(
        version=version,
        level=target,
        expected=shown.held,
        sent_at=now,
        waiting_since=now,
        awaited=max(0, -shown.unexplained),
    )
    is_routine = how_soon is Pace.NONE and not shown.is_doubted
    if (shown.held is None or is_routine) and not shown.is_asked:
        lane = Lane.BULK
    else:
        lane = Lane.IMMEDIATE if how_soon is Pace.IMMEDIATE else Lane.NORMAL
    dated = f", {amount(facts.short_dated)} short-dated" if facts.short_dated else ""
    safely = f", in safe mode: {', '.join(silent)} silent" if (silent := facts.silent(now)) else ""
    said = f"write {amount(target)} over {amount(shown.held)}, {how_soon.lower()}"
    return Decision(
        ledger=replace(
            shown, version=version, flight=flight, flush_at=None, retry_at=None, is_asked=False
        ),
        commands=(write(facts.listing, version, target, shown.held, lane),),
        note=f"{said}{dated}{safely}",
    )


def _untroubled(shown: Shown, facts: Facts, resolution: str) -> Decision[Shown]:
    if not shown.is_troubled:
        return Decision(ledger=shown)
    closed = tuple(
        CloseCase(fingerprint=_fingerprint(code, facts), resolution=resolution)
        for code in ("PUB-FAIL", "PUB-STALE")
    )
    return Decision(ledger=replace(shown, is_troubled=False), cases=closed, note=resolution)


def _waiting(shown: Shown, flight: Flight, facts: Facts, now: datetime) -> Decision[Shown]:
    """Wait for the outcome; but a write that is held up must not land and show too much."""
    target = _target(shown, facts, now)
    if target is not None and target < flight.level and now >= flight.sent_at + OVERTAKE:
        # The outbox drops the older one if it has not left; if it has, this one's comparison
        # fails and tells. Either way the older one's amount is no surprise.
        sent = _sent(replace(shown, doubtful=flight.level), facts, target, Pace.IMMEDIATE, now)
        return replace(sent, ledger=_waiting_since(sent.ledger, flight.waiting_since))
    if shown.is_troubled or now < flight.waiting_since + PATIENCE:
        return Decision(ledger=shown)
    since = f"{flight.waiting_since:%H:%M}"
    title = f"the write of {amount(flight.level)} has had no outcome since {since}"
    ledger = replace(shown, is_troubled=True)
    return Decision(ledger=ledger, note=title, cases=(_case("PUB-FAIL", title, ledger, facts),))


def _waiting_since(shown: Shown, since: datetime) -> Shown:
    return replace(shown, flight=shown.flight and replace(shown.flight, waiting_since=since))


def _timers(shown: Shown, facts: Facts, now: datetime) -> dict[str, datetime]:
    """Say when to look again if nothing happens."""
    is_stale = facts.is_stale(now)
    moments = {
        "overtake": shown.flight and shown.flight.sent_at + OVERTAKE,
        "no outcome": shown.flight and shown.flight.waiting_since + PATIENCE,
        "flush": shown.flush_at,
        "retry": shown.retry_at,
        "order awaited": shown.unexplained_until,
        "read back": shown.held_at and shown.held_at + READ_BACK,
        "source silent": facts.fresh_until,
        "source silent too long": facts.lowers_at,
        "new period": facts.rights_until,
        "goods too old": facts.ages_at,
        "source still silent": now + facts.agreement.retry if is_stale else None,
    }
    return {name: moment for name, moment in moments.items() if moment and moment > now}


def _fingerprint(code: str, facts: Facts) -> str:
    return f"{code}:{facts.listing.instance}"


def _case(code: str, title: str, shown: Shown, facts: Facts) -> OpenCase:
    return OpenCase(
        code=code,
        fingerprint=_fingerprint(code, facts),
        severity="S2",
        owner_role="eCommerce",
        within=timedelta(minutes=15),
        entity=facts.listing.instance,
        title=title,
        evidence={
            "held": shown.held and amount(shown.held),
            "pool": facts.pool and amount(facts.pool),
            "version": shown.version,
            "detail": facts.level.detail,
        },
    )
