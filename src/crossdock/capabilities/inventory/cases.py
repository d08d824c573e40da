"""When stock is looked at for what a person is to look at (§7.2)."""

from datetime import timedelta

EVERY = timedelta(minutes=5)
PATIENCE = timedelta(minutes=30)
"""So long a late fact may be on its way that would heal what is seen."""
