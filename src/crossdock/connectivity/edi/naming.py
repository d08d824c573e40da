"""What segments and codes are called, for people who read them. Pure.

A table is TOML: `[segments]` with a name for each tag, `[codes.353]` with one for each code of an
element. What has no name is shown as it is.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`codes` by the number of their element."""

    segments: Mapping[str, str] = field(default_factory=dict[str, str])
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])

    def code(self, number: str, value: str) -> str:
        """Name a code of an element; "" is none."""
        return self.codes.get(number, {}).get(value, "")


def names_of(text: str) -> Names:
    """Read a table of names."""
    table = tomllib.loads(text)
    return Names(segments=table["segments"], codes=table["codes"])
