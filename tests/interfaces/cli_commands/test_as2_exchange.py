"""`crossdock as2` before a hub: what is agreed, sent and shown, and the exit code."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crossdock.interfaces.cli.http_server import serving
from tests.interfaces.cli_commands.conftest import CommandLine, Said
from tests.unit.connectivity.as2.parties import pem

LASTING = (-9_000, 36_000)


@pytest.fixture
async def desk(crossdock: CommandLine) -> CommandLine:
    """Give a command line that has a key of its own and the certificate of a partner."""
    for name in ("dock", "acme"):
        (crossdock.folder / f"{name}.pem").write_bytes(pem(name, days=LASTING))
    (crossdock.folder / "order.edi").write_text("ISA*")
    assert (await crossdock("as2", "put-key", "dock", "dock.pem")).code == 0
    return crossdock


async def down(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def closed_door() -> AsyncIterator[str]:
    """Give the address of a partner that is down."""
    async with serving(down) as address:
        yield f"{address}/as2"


async def agreed(desk: CommandLine, *options: str) -> Said:
    words = ("as2", "put-partner", "dock", "Acme Ltd", *options, "--json")
    return await desk(*words)


async def test_certificates_are_added_and_dropped_one_by_one(desk: CommandLine) -> None:
    first = await agreed(desk, "--url", "http://127.0.0.1:9/", "--certificate", "acme.pem")
    soon = desk.folder / "soon.pem"
    soon.write_bytes(pem("soon", days=LASTING, serial=2))
    second = await agreed(desk, "--certificate", "soon.pem")

    [old, new] = [one["fingerprint"] for one in second.json["certificates"]]
    assert [one["fingerprint"] for one in first.json["certificates"]] == [old]
    third = await agreed(desk, "--drop-certificate", old)
    assert [one["fingerprint"] for one in third.json["certificates"]] == [new]
    wrong = await agreed(desk, "--drop-certificate", old)
    assert (wrong.code, wrong.json["where"]) == (2, "--drop-certificate")


async def test_a_certificate_that_has_ended_is_an_exit_code(desk: CommandLine) -> None:
    (desk.folder / "old.pem").write_bytes(pem("old", days=(-9_000, -8_000)))
    await agreed(desk, "--url", "http://127.0.0.1:9/", "--certificate", "old.pem")

    said = await desk("as2", "partners")

    assert (said.code, "END SOON" in said.out) == (1, True)


async def test_what_a_partner_does_not_take_is_told_with_its_next_time_and_then_given_up(
    desk: CommandLine, closed_door: str
) -> None:
    await agreed(desk, "--url", closed_door, "--certificate", "acme.pem", "--attempts", "2")

    sent = await desk("as2", "send", "dock", "Acme Ltd", "order.edi", "--request", "r1")
    assert (sent.code, sent.out.split()[1]) == (0, "DUE:")
    assert "the partner has answered HTTP 503" in sent.out
    assert "after 1 calls" in sent.out
    name = sent.out.split()[0]
    assert (await desk("as2", "resend", name)).code == 0
    await agreed(desk, "--attempts", "1")
    given_up = await desk("as2", "resend", name)

    assert (given_up.code, given_up.out.split()[1]) == (1, "FAILED:")
    listed = (await desk("as2", "messages", "--state", "failed", "--json")).json["messages"]
    assert [one["message"] for one in listed] == [name]
    assert (await desk("as2", "messages", "--direction", "IN", "--json")).json["messages"] == []


async def test_a_message_is_written_out_and_what_is_not_there_is_said(
    desk: CommandLine, closed_door: str
) -> None:
    await agreed(desk, "--url", closed_door, "--certificate", "acme.pem")
    words = ("as2", "send", "dock", "Acme Ltd", "order.edi", "--later", "--json")
    name = (await desk(*words)).json["message"]

    said = await desk("as2", "message", name, "--out", "got.edi", "--raw", "message.as2")
    none = await desk("as2", "message", name, "--receipt", "receipt.as2", "--json")

    assert (said.code, written(desk, "got.edi")) == (0, b"ISA*")
    assert b"AS2-To: " in written(desk, "message.as2")
    assert (none.code, none.json["where"]) == (2, "--receipt")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("as2 message msg_0", 1),
        ("as2 resend msg_0", 1),
        ("as2 partner dock nobody", 1),
        ("as2 send dock nobody order.edi", 1),
        ("as2 messages --state LOST", 2),
        ("as2 put-partner dock acme --sign md5", 2),
        ("as2 put-key dock order.edi", 2),
    ],
)
async def test_what_is_not_there_or_not_known_is_an_error(
    desk: CommandLine, words: str, code: int
) -> None:
    assert (await desk(*words.split(), "--json")).code == code


def written(desk: CommandLine, name: str) -> bytes:
    return Path(desk.folder / name).read_bytes()
