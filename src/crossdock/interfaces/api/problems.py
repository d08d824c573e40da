"""Errors as RFC 9457 problem documents: the only place where an HTTP status is chosen.

The status follows from the branch of the error tree, by what the caller should do next. `code` is
stable, `where` points into the request, `hint` says what to do.
"""

from typing import Any

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from crossdock.canonical.errors import (
    Ambiguous,
    Conflict,
    CrossdockError,
    Forbidden,
    Invalid,
    Missing,
    NotFound,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.foundation.database import OUTAGES
from crossdock.governance.roles import Unauthenticated

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

# The first branch that fits, so the narrow ones stand before the wide ones.
STATUS_BY_BRANCH: tuple[tuple[type[CrossdockError], int, str], ...] = (
    (Unauthenticated, 401, "A credential is needed"),
    (Forbidden, 403, "The credential does not cover this"),
    (NotFound, 404, "It does not exist"),
    (Conflict, 409, "It contradicts what is recorded"),
    (Invalid, 422, "The request is wrong"),
    (Rejected, 422, "The rules forbid it"),
    (Missing, 409, "Something it needs has not arrived yet"),
    (Throttled, 429, "Too many requests"),
    (Ambiguous, 503, "Nobody knows whether it took place"),
    (Unavailable, 503, "It cannot be answered now"),
)
STATUS_BY_CODE = {
    "body_too_large": 413,
    "body_too_slow": 408,
    "not_json": 400,
    "media_type": 415,
    "method_not_allowed": 405,
}
"""Faults of the HTTP request itself, where HTTP has a status of its own."""

RETRY_SECONDS = 1


class Problem(msgspec.Struct, omit_defaults=True, kw_only=True):
    type: str = msgspec.field()
    title: str = msgspec.field()
    status: int = msgspec.field()
    code: str = msgspec.field()
    detail: str = ""
    where: str = ""
    hint: str = ""


def status_of(error: CrossdockError) -> tuple[int, str]:
    for branch, status, title in STATUS_BY_BRANCH:
        if isinstance(error, branch):
            return STATUS_BY_CODE.get(error.code, status), title
    return 500, "The hub failed"


def problem_of(error: CrossdockError) -> Problem:
    status, title = status_of(error)
    return Problem(
        type=f"urn:crossdock:problem:{error.code}",
        title=title,
        status=status,
        code=error.code,
        detail=error.message,
        where=getattr(error, "where", ""),
        hint=error.hint,
    )


def answer(error: BaseException) -> Response:
    """Turn whatever went wrong into its answer; what nobody foresaw is logged, and says little."""
    known = _known(error)
    if known is None:
        log.error("request failed", exc_info=error)
        known = _internal()
    problem = problem_of(known)
    headers: dict[str, str] = {}
    if problem.status == STATUS_BY_BRANCH[0][1]:
        headers["www-authenticate"] = 'Bearer realm="crossdock"'
    if isinstance(known, Throttled):
        headers["retry-after"] = str(max(1, round(known.retry_after.total_seconds())))
    elif isinstance(known, Unavailable):
        headers["retry-after"] = str(RETRY_SECONDS)
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def _known(error: BaseException) -> CrossdockError | None:
    if isinstance(error, CrossdockError):
        return error
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, OUTAGES):
        log.warning("database does not answer", error=repr(error))
        return Unavailable("the database does not answer", code="database_unreachable")
    return None


def _of_http(error: HTTPException) -> CrossdockError:
    """Say what Starlette's router says, in our words."""
    if error.status_code == 405:  # noqa: PLR2004 - HTTP's own number
        return Invalid("this address does not take that method", code="method_not_allowed")
    if error.status_code == 404:  # noqa: PLR2004 - HTTP's own number
        return NotFound("there is nothing at this address", code="no_such_route")
    return Invalid(str(error.detail), code="not_json")


def _of_validation(error: RequestValidationError) -> Invalid:
    first: dict[str, Any] = dict(error.errors()[0])
    place = [str(part) for part in first.get("loc", ())]
    if first.get("type") == "json_invalid":
        return Invalid("the body is not JSON", code="not_json")
    return Invalid(str(first.get("msg", "wrong")), where="/" + "/".join(place[1:]))


class _Internal(CrossdockError):
    code = "internal_error"


def _internal() -> CrossdockError:
    return _Internal(
        "the hub made a mistake; it is logged",
        hint="look for the correlation id of this answer in the hub's log",
    )
