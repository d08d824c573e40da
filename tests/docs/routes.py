"""The table of routes of the HTTP API page, made from the document that the API itself gives."""

from collections.abc import Iterator
from typing import Any, cast

from crossdock.capabilities.catalog import KnownGoods
from crossdock.interfaces.api import create_app
from crossdock.interfaces.api.caller import VERB
from crossdock.interfaces.api.document import document_of
from crossdock.interfaces.api.hot import hot_routes
from crossdock.interfaces.api.hub import Hub

FROM, TO = "## Routes", "### Promises"


class Closed:
    """A hub that nobody asks anything: its routes are only named."""

    def __getattr__(self, _name: str) -> "Closed":
        return self


def document() -> dict[str, Any]:
    """Give the OpenAPI document as a hub at work does."""
    hub = cast("Hub", Closed())
    return document_of(create_app(hub), hot_routes(hub, KnownGoods(hub.catalog)))


def api_page(written: str) -> str:
    """Put every route into the page, under what it is about; the rest of it is by hand."""
    before, _, rest = written.partition(FROM)
    after = rest.partition(TO)[2]
    return f"{before}{FROM}\n\n{_intro()}\n{''.join(_tables())}{TO}{after}"


def _intro() -> str:
    return "Every route, the verb that a key needs for it, and what it does.\n"


def _tables() -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            verb = f"`{operation[VERB]}`" if operation.get(VERB) else ""
            row = f"| `{method.upper()} {path}` | {verb} | {_said(operation)} |\n"
            by_tag.setdefault(operation["tags"][0], []).append(row)
    for tag, rows in by_tag.items():
        yield f"**{tag[:1].upper()}{tag[1:]}**\n\n| Route | Verb | |\n|---|---|---|\n"
        yield from rows
        yield "\n"


def _said(operation: dict[str, Any]) -> str:
    """Give the first sentence of what is said of it."""
    said: str = operation.get("description") or operation["summary"]
    return " ".join(said.split("\n\n", maxsplit=1)[0].split()).replace("|", "\\|")
