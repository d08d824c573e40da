"""The example of docs/how-to/write-an-application.md runs, and its application conforms."""

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs/how-to/write-an-application.md"


def example() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "acme_wms"}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE):
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102  # our own page
    return names


NAMES = example()
TestAcmeWmsAsItIs = NAMES["TestAcmeWmsAsItIs"]


def test_the_suite_says_what_the_page_says_of_tokens() -> None:
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        NAMES["TestAcmeWms"]().test_a_signed_message_altered_by_one_byte_is_refused()
