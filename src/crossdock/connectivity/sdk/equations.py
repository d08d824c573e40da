"""What a product means by "available", and what the hub takes of it instead.

Products subtract different things under one name: some their reservations, some their safety
stock, some nothing. The hub rebuilds availability from the inputs, and never copies the number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossdock.canonical.envelope import Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeInput:
    """A field of the product's messages, the event that it becomes, and what it stands for."""

    field: str
    tells: type[Payload]
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeEquation:
    """How the product makes its own number (§3.2).

    `available` are the fields in which it shows the number; what they say moves no stock and
    claims none. `inputs` are what the hub takes. Where each connection says it for itself,
    `setting` is the one by which, and `forms` are the equations by its values.
    """

    equation: str
    inputs: tuple[NativeInput, ...]
    available: tuple[str, ...] = ()
    setting: str = ""
    forms: Mapping[str, str] = field(default_factory=dict[str, str])

    def of(self, settings: Mapping[str, object]) -> str:
        """Give the equation of a connection with these settings."""
        return self.forms.get(str(settings.get(self.setting)), self.equation)

    def is_declared(self, settings: Mapping[str, object]) -> bool:
        """Say whether it is known what the number is at a connection with these settings."""
        return not self.setting or bool(settings.get(self.setting))
