"""What the hub says about itself, as a test reads it."""

import io
import json
from typing import Any

from crossdock.foundation import metrics


def figure(name: str, **labels: str) -> float:
    """Read one figure as a scrape shows it; 0 where it does not show it."""
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def written(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]
