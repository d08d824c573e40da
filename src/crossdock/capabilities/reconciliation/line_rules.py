"""By which rules lines of a kind are compared: what is open, or what follows upon goods."""

from collections.abc import Sequence
from dataclasses import replace

from crossdock.capabilities.reconciliation import following, open_lines
from crossdock.capabilities.reconciliation.judging import Policy, lagging
from crossdock.capabilities.reconciliation.kinds import FOLLOWING, Kind
from crossdock.capabilities.reconciliation.model import State
from crossdock.capabilities.reconciliation.open_lines import Around, Compared, Ours, Theirs
from crossdock.capabilities.reconciliation.open_ports import KeptLine, LinePicks
from crossdock.capabilities.reconciliation.outcome import About
from crossdock.capabilities.reconciliation.ranking import Remedy


def ours(kind: Kind, line: KeptLine, moved: LinePicks | None) -> Ours:
    """Bring a line as it is kept back to the cut: what moved since is put back."""
    after, lately, back = (moved.after, moved.lately, moved.back) if moved else (0, 0, 0)
    if kind not in FOLLOWING:
        lately = max(0, line.picked - after)
        micros = max(0, line.total - line.picked + after)
    elif line.total == following.UNHEARD:
        micros = following.UNHEARD
    else:
        micros = max(0, line.total - after)  # more may have come back than was told to leave
    return Ours(
        line.document,
        open_lines.line_of(line.document, line.reference),
        line.item,
        line.location,
        line.source,
        micros,
        lately,
        line.changed_us,
        back,
    )


def compared(
    kind: Kind,
    sides: tuple[Sequence[Ours], Sequence[Theirs]],
    around: Around,
    policy: Policy,
) -> list[Compared]:
    """Compare the lines of one document, in any order; answers in order of their numbers."""
    if kind in FOLLOWING:
        return following.compared(kind, sides, around, policy)
    return open_lines.compared(*sides, around, policy)


def remedy_of(about: About, one: Compared, state: State) -> Remedy:
    if about.kind in FOLLOWING:
        return following.remedy_of(about.kind, one, state)
    if about.first:
        return open_lines.remedy_between(one, state)
    return open_lines.remedy_of(one, state, about.against)


def allowed(kind: Kind, policy: Policy, lag_minutes: int | None) -> Policy:
    """Say how long what follows may take, unless that is said."""
    if kind not in FOLLOWING or lag_minutes is not None:
        return lagging(policy, lag_minutes)
    return replace(policy, in_flight=following.WORDS[kind].within)
