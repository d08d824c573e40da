"""Builds one Hub from Settings; the only part that knows every other."""

from crossdock.assembly.hub import Hub, Outside

__all__ = ["Hub", "Outside"]
