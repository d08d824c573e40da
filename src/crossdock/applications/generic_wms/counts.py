"""Full counts of files that are read in pieces: how each began, and the word that ends it. Pure.

What a full count leaves out is zero, and no piece of it may say so. So the pieces say what they
name, and behind the last of them an empty full count of the same moment says that this was all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk.facts import Delivery, Translation, Untranslatable
from crossdock.connectivity.sdk.records import (
    SCHEMA,
    Record,
    exact_json,
    json_bytes,
    json_list,
    json_object,
)
from crossdock.connectivity.sdk.stock_records import Vocabulary, snapshots_taken

COUNTS_MAX = 1_000
"""So many counts of one file are remembered until its end."""

_CLOSING = b"#counts "
_STATEMENT = ("occurred_at", "sequence", "stream", "is_full")

Head = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one file so far, each by its head, and why its full ones are not full.

    One that is not full is remembered too: a later piece may say that it is.
    """

    heads: tuple[Head, ...] = ()
    problem: str = ""

    @property
    def full(self) -> tuple[Head, ...]:
        """Those that any of their pieces says to be full."""
        return tuple(head for head in self.heads if head["is_full"])

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        return cls(tuple(kept.get("heads", ())), kept.get("problem", ""))

    def written(self) -> dict[str, Any]:
        return {"heads": list(self.heads), "problem": self.problem}

    def then(self, levels: Iterable[Record], refused: Iterable[Untranslatable]) -> "Counts":
        """Go on with the levels of the next piece, and with what was refused of it."""
        known = {_key(head): head for head in self.heads}
        problem = self.problem or next((f"{one.where}: {one.reason}" for one in refused), "")
        for head in _heads(levels):
            before = known.get(_key(head), head)
            if _statement(before) != _statement(head):
                problem = problem or f"{_named(head)} differs in time, sequence or fullness"
            is_full = before["is_full"] or head["is_full"]
            oldest: Head = min(before, head, key=_moment)
            known[_key(head)] = {**oldest, "is_full": is_full}
        if len(known) > COUNTS_MAX:
            problem = problem or f"more than {COUNTS_MAX} counts are in one file: split it"
        return replace(self, heads=tuple(known.values())[:COUNTS_MAX], problem=problem)

    def closing(self) -> bytes:
        return _CLOSING + json_bytes(self.full)

    def not_full(self, file: str) -> Untranslatable:
        """Say that what the counts leave out keeps its stock, why, and what to do."""
        counts = ", ".join(_named(head) for head in self.full[:3])
        more = len(self.full) - 3
        return Untranslatable(
            code=SCHEMA,
            where=file,
            reason=(
                f"The full count of {counts}{f' and {more} more' * (more > 0)} was not taken as"
                f" full: {self.problem}. What it leaves out keeps the stock that it had, and may"
                " be sold. Mend that, and have the warehouse send a new full count, with another"
                " snapshot_id"
            ),
            record=json_bytes(self.full),
        )


def closed(delivery: Delivery, vocabulary: Vocabulary) -> Translation | None:
    """Read the word that ends full counts; None: this message is none."""
    if not delivery.body.startswith(_CLOSING):
        return None
    try:
        kept = json_list(exact_json(delivery.body.removeprefix(_CLOSING)), "")
        records = [Record(fields=json_object(head, "")) for head in kept]
    except Invalid as problem:
        refused = Untranslatable(code=SCHEMA, where=problem.where, reason=problem.message)
        return Translation(refused=(refused,))
    return Translation(*snapshots_taken(records, vocabulary, part="closing", is_last=True))


def _heads(levels: Iterable[Record]) -> Iterable[Head]:
    """Say how each count of a piece begins; a level without that is refused elsewhere."""
    for record in levels:
        try:
            recorded_at = record.instant_or_none("recorded_at")
            yield {
                "snapshot_id": record.key("snapshot_id"),
                "location": record.key("location"),
                "occurred_at": record.instant("occurred_at").isoformat(),
                "recorded_at": recorded_at and recorded_at.isoformat(),
                "sequence": record.integer("sequence"),
                "stream": record.text("stream"),
                "is_full": record.flag("is_full"),
            }
        except Invalid:
            continue


def _key(head: Head) -> tuple[str, str]:
    return (head["snapshot_id"], head["location"])


def _statement(head: Head) -> tuple[Any, ...]:
    return tuple(head[name] for name in _STATEMENT)


def _moment(head: Head) -> datetime:
    """Tell when it was recorded: by a later mark what its own pieces name would be left out."""
    return datetime.fromisoformat(head["recorded_at"] or head["occurred_at"])


def _named(head: Head) -> str:
    return f"{head['snapshot_id']!r} at {head['location']!r}"
