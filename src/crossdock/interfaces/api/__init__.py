"""The hub over HTTP: asks the hub, shows the answer."""

from crossdock.interfaces.api.app import create_app
from crossdock.interfaces.api.hub import Hub

__all__ = ["Hub", "create_app"]
