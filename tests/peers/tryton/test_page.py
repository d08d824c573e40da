"""Somebody who connects a Tryton as the documentation says sees what it shows."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from tests.docs.console import reading
from tests.docs.generate import DOCS
from tests.peers.tryton.server import TrytonServer
from tests.peers.tryton.trading import Trading

pytestmark = pytest.mark.peer

PASSWORD = "a hub of one's own"
GROUPS = ["Party Administration", "Product Administration", "Stock", "Sales", "Purchase"]
HUB = """
```console terminal
$ export CROSSDOCK_DATA_DIR=$PWD/with-an-erp CROSSDOCK_ALLOW_PRIVATE_ADDRESSES=true
$ crossdock serve
✓ serving http://127.0.0.1:8440  (Ctrl-C ends it)
...
```

```json wms.json
{"secrets": ["whsec_d2FyZWhvdXNlIHNpbXVsYXRlZCAwMDA3"]}
```

```console
$ crossdock connection add wms generic_wms --file wms.json
connected wms; try `crossdock connection check wms`
```
"""


async def test_tryton_is_connected_as_the_page_says(tryton: TrytonServer, clerk: Trading) -> None:
    groups = await clerk.rows("res.group", [["name", "in", GROUPS]], "name")
    assert len(groups) == len(GROUPS)
    company = await clerk.company()
    await clerk.create(
        "res.user",
        {
            "name": "Crossdock",
            "login": "crossdock",
            "password": PASSWORD,
            "groups": [["add", [group["id"] for group in groups]]],
            "companies": [["add", [company]]],
            "company": company,
        },
    )
    page = (DOCS / "how-to" / "connect-tryton.md").read_text()

    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.ports |= {
            "https://tryton.example.com": tryton.base_url,
            '"database": "company"': f'"database": "{tryton.database}"',
            '"password": "…"': f'"password": "{PASSWORD}"',
        }
        await asyncio.to_thread(reader.follow, HUB + page)
