"""The error tree: three branches, by what the caller should do next.

```
CrossdockError
├── Rejected            the rules forbid it; repeating will not help
│   ├── Invalid         the message itself is wrong: what, where, why, what to do
│   ├── NotFound        it names something that does not exist
│   ├── Conflict        it contradicts what is already recorded
│   └── Forbidden       the caller's scope does not cover it
├── Missing             a predecessor has not arrived yet; park it and try again
└── Unavailable         the other side cannot answer now; retry by policy
    ├── Throttled       ... and it said when to come back
    └── Ambiguous       ... and nobody knows whether the effect took place: read back first
```

HTTP status, retry and quarantine follow from the branch, each in one place.
"""

from datetime import timedelta


class CrossdockError(Exception):
    """Carries a stable `code`, the sentence, and what to do about it."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.hint = hint


class Rejected(CrossdockError):
    code = "rejected"


class Invalid(Rejected):
    """`where` is a JSON pointer, a column or a segment position in the message."""

    code = "invalid"

    def __init__(
        self, message: str, *, where: str = "", code: str | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.where = where


class NotFound(Rejected):
    code = "not_found"


class Conflict(Rejected):
    code = "conflict"


class Forbidden(Rejected):
    code = "forbidden"


class Missing(CrossdockError):
    """`code` says what is missing in the words of the exception taxonomy (`MD-ITEM-XREF` ...)."""

    code = "missing"


class Unavailable(CrossdockError):
    code = "unavailable"


class Throttled(Unavailable):
    """The other side asked for a pause of `retry_after`."""

    code = "throttled"

    def __init__(self, message: str, *, retry_after: timedelta, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Busy(Throttled):
    """The hub keeps to a connection's own rate: nobody was asked, and will be in `retry_after`."""


class Ambiguous(Unavailable):
    code = "ambiguous"
