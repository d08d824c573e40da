"""Crossdock keeps stock, orders and procurement in step across every system of a distributor.

```python
from crossdock import Hub
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossdock.assembly import Hub
    from crossdock.canonical.quantities import Quantity
    from crossdock.foundation.settings import Settings

__all__ = ["Hub", "Quantity", "Settings"]

_HOMES = {
    "Hub": "crossdock.assembly",
    "Quantity": "crossdock.canonical.quantities",
    "Settings": "crossdock.foundation.settings",
}


def __getattr__(name: str) -> Any:
    """Load a part when it is first asked for: the canonical words alone need nothing of it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'crossdock' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
