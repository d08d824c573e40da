"""How the proof of a promise is written in JSON, and said in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crossdock.capabilities.inventory import Explanation, LineProof, MemberProof
from crossdock.interfaces.api.stock_shapes import AmountShown, SourceShown, amount


@dataclass(slots=True)
class MemberProofShown:
    """A node of a group of locations, at the moment of the decision."""

    location: str
    nettable: AmountShown
    expired: AmountShown
    claimed: AmountShown
    safety: AmountShown
    free: AmountShown


@dataclass(slots=True)
class LineProofShown:
    """What there was at this line's turn: `free` follows from the figures by `rule`.

    `expired` lay there beside `nettable`, in lots whose last day was over;
    `claimed` was promised before the decision, `earlier` taken by it before this line; `own` is
    what was open of the line's own order, which `claimed` counts already, or null;
    `kept_for_group` is what a member of a group held back for the group's promises. Where channels
    have maxima or minima, `channel` is whose the line was, `kept_for_channels` what was kept for
    others, and `allowance` what its own maximum left it, or null. `pack` is what it is sold in
    multiples of, and `requested` in whole ones, or null.
    """

    line_no: int
    item: str
    location: str
    demand_ref: str
    requested: AmountShown
    granted: AmountShown
    because: str
    nettable: AmountShown
    expired: AmountShown
    claimed: AmountShown
    earlier: AmountShown
    own: AmountShown | None
    safety: AmountShown
    kept_for_group: AmountShown
    free: AmountShown
    rule: str
    members: list[MemberProofShown]
    version: int
    sources: list[SourceShown]
    channel: str
    kept_for_channels: AmountShown
    allowance: AmountShown | None
    pack: AmountShown | None = None


@dataclass(slots=True)
class RegrantShown:
    """Why a promise got anew what was left of it: its hold had lapsed, or it was moved."""

    decided_at: datetime
    is_reproduced: bool
    lines: list[LineProofShown]


@dataclass(slots=True)
class PromiseShown:
    """Why a promise was made. The same for ever, whatever has become of stock and rules since.

    `decided_together` counts the promises of one decision. `is_reproduced`: the rule, run once
    more on what was kept of that moment, grants all of them what they got. What is granted anew
    later is added as `regrants`.
    """

    reservation_id: str
    request_id: str
    client: str
    decided_at: datetime
    decided_together: int
    is_reproduced: bool
    lines: list[LineProofShown]
    regrants: list[RegrantShown]


def promise_shown(explained: Explanation, units: Mapping[str, str]) -> PromiseShown:
    """Show a proof; `units` are the base units of its items."""
    reservation = explained.reservation
    return PromiseShown(
        reservation_id=reservation.reservation_id,
        request_id=reservation.request_id,
        client=reservation.client,
        decided_at=reservation.created_at,
        decided_together=explained.decided_together,
        is_reproduced=explained.is_reproduced,
        lines=[_line(line, units[line.item]) for line in explained.lines],
        regrants=[
            RegrantShown(
                decided_at=one.at,
                is_reproduced=one.is_reproduced,
                lines=[_line(line, units[line.item]) for line in one.lines],
            )
            for one in explained.regrants
        ],
    )


def _line(line: LineProof, unit: str) -> LineProofShown:
    def shown(micros: int) -> AmountShown:
        return amount(micros, unit)

    return LineProofShown(
        line_no=line.line_no,
        item=line.item,
        location=line.location,
        demand_ref=line.demand_ref,
        requested=shown(line.requested),
        granted=shown(line.granted + line.made),
        because=_because(line),
        nettable=shown(line.nettable),
        expired=shown(line.expired),
        claimed=shown(line.claimed),
        earlier=shown(line.earlier),
        own=None if line.own is None else shown(line.own),
        safety=shown(line.safety),
        kept_for_group=shown(line.kept_for_group),
        free=shown(line.free),
        rule=line.rule,
        members=[_member(member, unit) for member in line.members],
        version=line.version,
        sources=[
            SourceShown(
                source.source,
                source.heard_at,
                source.freshness_seconds,
                source.is_stale(line.as_of),
            )
            for source in line.sources
        ],
        channel=line.channel,
        kept_for_channels=shown(line.kept_for_channels),
        allowance=None if line.allowance is None else shown(line.allowance),
        pack=shown(line.pack) if line.pack else None,
    )


def _member(member: MemberProof, unit: str) -> MemberProofShown:
    return MemberProofShown(
        location=member.location,
        nettable=amount(member.nettable, unit),
        expired=amount(member.expired, unit),
        claimed=amount(member.claimed, unit),
        safety=amount(member.safety, unit),
        free=amount(member.free, unit),
    )


def _because(line: LineProof) -> str:
    said = _because_of_stock(line)
    if not line.pack:
        return said
    pack, moved, wanted = (
        amount(micros, "").value for micros in (line.pack, line.moved, line.requested)
    )
    if line.is_too_few:
        return f"{moved} asked, less than a pack of {pack}: nothing granted"
    return f"{moved} in packs of {pack} is {wanted}; {said}" if line.moved else said


def _because_of_stock(line: LineProof) -> str:
    total = line.granted + line.made
    asked, free, granted, made = (
        amount(micros, "").value for micros in (line.requested, line.free, total, line.made)
    )
    if line.made:
        part = "" if total == line.requested else ", as part was welcome"
        return f"{asked} asked, {free} assembled: {granted} granted{part}, {made} of its parts"
    if line.granted == line.requested:
        return f"{asked} asked, {free} free: granted"
    if line.granted:
        return f"{asked} asked, {free} free: {granted} granted, as part was welcome"
    if line.is_denied_for_another:
        return f"{asked} asked, {free} free: nothing granted, for another line was short"
    return f"{asked} asked, {free} free: nothing granted"
