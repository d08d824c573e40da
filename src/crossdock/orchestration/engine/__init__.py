"""Runs processes as pure deciders over PostgreSQL; knows no business (ARCHITECTURE D4)."""

from crossdock.orchestration.decision import Decision, Send
from crossdock.orchestration.engine.engine import Engine, follow_all
from crossdock.orchestration.engine.process import (
    Key,
    Process,
    SendsCommands,
    Touch,
)

__all__ = [
    "Decision",
    "Engine",
    "Key",
    "Process",
    "Send",
    "SendsCommands",
    "Touch",
    "follow_all",
]
