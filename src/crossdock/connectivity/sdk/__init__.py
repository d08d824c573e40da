"""What a connector author sees, and all of it: declaration, roles, facts, errors."""

from crossdock.connectivity.sdk.application import (
    AnswersStock,
    Application,
    Connection,
    Grade,
    Kind,
    Polls,
    Ports,
    Receives,
    Sample,
    StockQuestion,
    Subscribes,
)
from crossdock.connectivity.sdk.equations import NativeEquation, NativeInput
from crossdock.connectivity.sdk.facts import (
    Delivery,
    Poll,
    StockAnswer,
    Translation,
    Untranslatable,
)
from crossdock.connectivity.sdk.roles import (
    BOOKED_BY_HUB,
    HeldQuantity,
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
    "AnswersStock",
    "Application",
    "Connection",
    "Delivery",
    "Grade",
    "HeldQuantity",
    "Kind",
    "NativeEquation",
    "NativeInput",
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
    "StockAnswer",
    "StockQuestion",
    "Subscribes",
    "Translation",
    "Untranslatable",
    "Verdict",
]
