"""Bodies that are files of EDI and no JSON: where they may come, and what they say they are."""

from collections.abc import Mapping

from crossdock.canonical.errors import Invalid

INTERCHANGES = "/v1/edi/interchanges"
SENT = "/v1/edi/sent"
EDI_PATHS = frozenset({INTERCHANGES, SENT})
MEDIA_TYPES = ("application/edi-x12", "application/edifact", "application/octet-stream")


def check_edi(headers: Mapping[str, str]) -> None:
    """Refuse what a browser page may send unasked: a form or a text is no interchange."""
    sent = headers.get("content-type", "")
    media_type = sent.partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise Invalid(
            f"the body is {media_type[:80] or 'of no media type'}, not a file of EDI",
            code="media_type",
            hint=f"send `Content-Type: {MEDIA_TYPES[0]}`, or {' or '.join(MEDIA_TYPES[1:])}",
        )
