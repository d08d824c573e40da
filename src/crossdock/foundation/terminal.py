"""What came from outside steers no terminal: what one would obey is shown instead."""

_STEERING = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
}


def tame(text: str) -> str:
    """Show control characters (an escape as `␛`); lines and tabulators stay."""
    return text.translate(_STEERING)
