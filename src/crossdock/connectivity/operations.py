"""The changes that the outbox can carry: which role makes them, and what they name.

A process writes a command with the hub's own keys; here it becomes the role's words with the
target's keys. A new role is one more entry of `OPERATIONS`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar, cast

import msgspec

from crossdock.canonical.errors import Invalid
from crossdock.canonical.references import Reference, ReferenceKind
from crossdock.connectivity.sdk.roles import (
    HeldQuantity,
    Outcome,
    PostMovement,
    PostsMovements,
    PublishesAvailability,
    SetAvailability,
    SetCountTask,
    TakesCountTasks,
    Verdict,
)


class Change(Protocol):
    """What every role's command has."""

    @property
    def command_id(self) -> str: ...

    @property
    def item(self) -> str: ...


ChangeT = TypeVar("ChangeT", bound=Change)
Keys = Mapping[Reference, str]
_OF_THE_HUB = frozenset({"command_id", "idempotency_key", "version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[ChangeT]):
    """One method of one role.

    `read_back` sorts changes whose fate is unknown by what the target holds now: those with an
    outcome are settled, the others are safe to make. `shelf` names what a channel will echo.
    `about` are the arguments that say which command it is: with others it would be another.
    """

    name: str
    role: type[Any]
    change: type[ChangeT]
    call: Callable[[Any, Sequence[ChangeT]], Awaitable[Sequence[Outcome]]]
    references: Callable[[ChangeT], tuple[Reference, ...]]
    targeted: Callable[[ChangeT, Keys], ChangeT]
    read_back: Callable[[Any, Sequence[ChangeT]], Awaitable[Sequence[Outcome]]] | None = None
    shelf: Callable[[ChangeT], tuple[str, str, Decimal]] | None = None
    about: frozenset[str] = frozenset()

    def read(self, arguments: str, command_id: str, idempotency_key: str, version: int) -> ChangeT:
        """Build the role's words; arguments that do not fit are `Invalid`."""
        given: dict[str, Any] = msgspec.json.decode(arguments)
        known = {field.name for field in fields(cast("Any", self.change))}
        ours = {
            "command_id": command_id,
            "idempotency_key": idempotency_key,
            "version": version,
        }
        given |= {name: value for name, value in ours.items() if name in known}
        if unknown := set(given) - known:
            raise Invalid(f"{self.name} takes no {min(unknown)!r}", where=min(unknown))
        try:
            return msgspec.convert(given, self.change)
        except msgspec.ValidationError as error:
            raise Invalid(f"{self.name}: {error}", where="arguments") from None

    def edited(self, arguments: str, changes: Mapping[str, Any]) -> str:
        """Reword arguments; what the command is about, and what the hub says itself, stays."""
        if fixed := set(changes) & (self.about | _OF_THE_HUB):
            raise Invalid(
                f"{min(fixed)!r} says which command it is, and cannot be edited",
                where=min(fixed),
                hint="discard it, and have its process decide anew",
            )
        given: dict[str, Any] = msgspec.json.decode(arguments)
        if given == given | dict(changes):
            raise Invalid("that changes nothing", where="changes", hint="replay sends it as it is")
        return msgspec.json.encode(given | dict(changes)).decode()


def _item(native_id: str) -> Reference:
    return Reference(ReferenceKind.ITEM, native_id)


def _location(native_id: str) -> Reference:
    return Reference(ReferenceKind.LOCATION, native_id)


async def _set_availability(
    shop: PublishesAvailability, changes: Sequence[SetAvailability]
) -> Sequence[Outcome]:
    return await shop.set_availability(changes)


async def _held_availability(
    shop: PublishesAvailability, changes: Sequence[SetAvailability]
) -> Sequence[Outcome]:
    held = await shop.held_availability([(change.item, change.location) for change in changes])
    return [
        outcome
        for change, now in zip(changes, held, strict=True)
        if (outcome := _fate(change, now)) is not None
    ]


def _fate(change: SetAvailability, held: HeldQuantity) -> Outcome | None:
    """Judge by what the shop holds: our value (it happened), the old one (not yet), another."""
    if held.quantity == change.quantity:
        verdict = Verdict.DONE
    elif held.quantity == change.expected:
        return None
    else:
        verdict = Verdict.STALE
    return Outcome(
        command_id=change.command_id,
        verdict=verdict,
        observed=held.quantity,
        code="read_back",
        detail=f"read back after an unknown outcome: {held.quantity}",
    )


def _targeted_availability(change: SetAvailability, keys: Keys) -> SetAvailability:
    return replace(
        change, item=keys[_item(change.item)], location=keys[_location(change.location)]
    )


async def _post_movements(
    books: PostsMovements, changes: Sequence[PostMovement]
) -> Sequence[Outcome]:
    return await books.post_movements(changes)


def _movement_references(change: PostMovement) -> tuple[Reference, ...]:
    places = (change.source_location, change.target_location)
    return (_item(change.item), *(_location(place) for place in places if place))


def _targeted_movement(change: PostMovement, keys: Keys) -> PostMovement:
    source, target = change.source_location, change.target_location
    return replace(
        change,
        item=keys[_item(change.item)],
        source_location=keys[_location(source)] if source else "",
        target_location=keys[_location(target)] if target else "",
    )


def _targeted_count(change: SetCountTask, keys: Keys) -> SetCountTask:
    return replace(
        change, item=keys[_item(change.item)], location=keys[_location(change.location)]
    )


async def _set_count_tasks(
    warehouse: TakesCountTasks, changes: Sequence[SetCountTask]
) -> Sequence[Outcome]:
    return await warehouse.set_count_tasks(changes)


OPERATIONS: Mapping[str, Operation[Any]] = MappingProxyType(
    {
        operation.name: operation
        for operation in (
            Operation(
                name="set_availability",
                role=PublishesAvailability,
                change=SetAvailability,
                call=_set_availability,
                references=lambda change: (_item(change.item), _location(change.location)),
                targeted=_targeted_availability,
                read_back=_held_availability,
                shelf=lambda change: (change.item, change.location, change.quantity),
                about=frozenset({"item", "location", "reference"}),
            ),
            Operation(
                name="post_movements",
                role=PostsMovements,
                change=PostMovement,
                call=_post_movements,
                references=_movement_references,
                targeted=_targeted_movement,
                about=frozenset({"external_ref"}),
            ),
            Operation(
                name="set_count_tasks",
                role=TakesCountTasks,
                change=SetCountTask,
                call=_set_count_tasks,
                references=lambda change: (_item(change.item), _location(change.location)),
                targeted=_targeted_count,
                about=frozenset({"count_id", "item", "location"}),
            ),
        )
    }
)


_BY_ROLE = {operation.role.__name__: operation for operation in OPERATIONS.values()}


def operation_of(name: str) -> Operation[Any]:
    """Find an operation by its method, or by its role where that has only the one."""
    operation = OPERATIONS.get(name) or _BY_ROLE.get(name)
    if operation is None:
        raise Invalid(
            f"{name!r} is not a change the outbox can carry",
            where="role",
            hint=f"it carries {', '.join(sorted(OPERATIONS))}",
        )
    return operation
