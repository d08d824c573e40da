"""What a person is to look at, in the words of the exception taxonomy (§7.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

AROUND_THE_CLOCK = "S1"
"""The severity that knows no night and no weekend (§7.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """One cause, one open case: met again under the same `fingerprint`, it counts up.

    `code`, `severity`, `owner_role` and `within` are from the exception taxonomy; `entity` is
    what it is about, `evidence` the figures a person needs to judge it. Where it names a
    `location`, `within` is counted while that works, whole days as working days, unless it is S1.
    """

    code: str
    fingerprint: str
    severity: str
    owner_role: str
    within: timedelta
    entity: str
    title: str
    location: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])
