"""What a connector author sees, and all of it: declaration, roles, facts, errors."""

from crossdock.connectivity.sdk.application import (
    Application,
    Connection,
    Grade,
    Kind,
    Polls,
    Ports,
    Receives,
    Sample,
    Subscribes,
)
from crossdock.connectivity.sdk.equations import NativeEquation, NativeInput
from crossdock.connectivity.sdk.facts import Delivery, Poll, Translation, Untranslatable
from crossdock.connectivity.sdk.roles import (
    BOOKED_BY_HUB,
    HeldQuantity,
    ListsOpenOrders,
    OpenOrderLine,
    OpenOrders,
    Outcome,
    PostMovement,
    PostsMovements,
    PublishesAvailability,
    RepeatSafety,
    SetAvailability,
    Verdict,
)

__all__ = [
    "BOOKED_BY_HUB",
    "Application",
    "Connection",
    "Delivery",
    "Grade",
    "HeldQuantity",
    "Kind",
    "ListsOpenOrders",
    "NativeEquation",
    "NativeInput",
    "OpenOrderLine",
    "OpenOrders",
    "Outcome",
    "Poll",
    "Polls",
    "Ports",
    "PostMovement",
    "PostsMovements",
    "PublishesAvailability",
    "Receives",
    "RepeatSafety",
    "Sample",
    "SetAvailability",
    "Subscribes",
    "Translation",
    "Untranslatable",
    "Verdict",
]
