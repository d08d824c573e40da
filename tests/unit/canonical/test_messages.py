"""Messages are told in the order of the pair that exchanges them."""

from crossdock.canonical.messages import MessageReceived, MessageSettled


def test_what_one_sender_sends_to_one_receiver_stays_in_order_both_ways() -> None:
    received = MessageReceived(
        document_id="msg_1",
        transport="AS2",
        sender="acme",
        receiver="dock",
        message_id="1@acme",
        content_type="application/edi-x12",
        size_bytes=3,
        sha256="0" * 64,
        is_signed=True,
    )
    settled = MessageSettled(
        document_id="msg_2",
        transport="AS2",
        sender="dock",
        receiver="acme",
        message_id="2@dock",
        outcome="PROVEN",
    )

    assert (received.key, settled.key) == ("dock/acme", "dock/acme")
