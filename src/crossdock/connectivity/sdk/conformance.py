"""Tests that every application gets for free; the only file of the hub that needs pytest.

```python
class TestAcmeWms(ApplicationConformance):
    application = APPLICATION
    settings = SAMPLE_SETTINGS    # what the samples were sent under
    now = SAMPLE_NOW              # when their signatures were fresh
```

An application that is polled has no receiving side: give `translate`, which reads one page as its
`poll` hands it in (`staticmethod(translated)`).
"""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import pytest
from pydantic import BaseModel, ValidationError

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Forbidden
from crossdock.canonical.inventory import StockMoved, StockSnapshotTaken
from crossdock.connectivity.sdk.application import Application, Connection, Receives, Sample
from crossdock.connectivity.sdk.contract import breach_of
from crossdock.connectivity.sdk.facts import Delivery, Translation
from crossdock.connectivity.sdk.native_numbers import counting, names_field, with_number

SECRET_WORDS = frozenset({"secret", "secrets", "password", "passphrase", "token", "tokens", "dsn"})
SECRET_ENDINGS = ("api_key", "private_key", "access_key", "secret_key")
BODY_POSITIONS_MAX = 256
STOCK = (StockMoved, StockSnapshotTaken)
_NOTHING: list[object] = []
ODD_VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    10**400,
    "",
    "\0",
    "\ud800",
    "x" * 5_000,
    "NaN",
    "1e999999",
    "9999-12-31T23:59:59-14:00",
    _NOTHING,
    [_NOTHING],
    {},
    {"": None},
)
GARBAGE = (
    b"",
    b"\0",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b"42",
    b'"text"',
    b"{",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"9" * 10_000,
    b"<xml/>",
    b"\xef\xbb\xbf",
    b'"' + b"\n" * 50,
    "{'ä': €}".encode("utf-16"),
)


class ApplicationConformance:
    """Inherit, name the application, and run pytest."""

    application: ClassVar[Application]
    settings: ClassVar[BaseModel | None] = None
    now: ClassVar[datetime] = datetime(2026, 1, 1, tzinfo=UTC)
    translate: ClassVar[Callable[[Delivery], Translation] | None] = None
    connection: ClassVar[type[Any] | None] = None

    def test_the_declaration_is_complete(self) -> None:
        application = self.application

        assert application.name.isidentifier()
        assert application.name == application.name.lower()
        assert application.title
        assert application.owner
        assert application.connect or application.receive, "it can be neither called nor heard"
        assert application.batch_max > 0
        assert application.rate_per_second > 0
        assert application.concurrency > 0
        assert application.poll_every is None or application.connect, "there is nothing to poll"
        assert bool(application.events) == bool(application.samples)

    def test_the_settings_make_a_form_that_explains_itself(self) -> None:
        schema = self.application.settings.model_json_schema()

        assert schema["type"] == "object"
        for name, form in schema.get("properties", {}).items():
            assert form.get("description"), f"setting {name!r} has no description"

    def test_an_unknown_setting_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="no_such_setting"):
            self.application.settings.model_validate({"no_such_setting": 1})

    def test_secrets_are_never_shown(self) -> None:
        schema = self.application.settings.model_json_schema()

        for name, form in schema.get("properties", {}).items():
            if _sounds_secret(name):
                assert "writeOnly" in json.dumps(form), f"setting {name!r} is not a SecretStr"

    def test_each_declared_event_has_a_sample_and_no_other(self) -> None:
        shown = {
            type(fact.payload)
            for sample in self.application.samples
            for fact in sample.translation.facts
        }

        assert shown == set(self.application.events)

    def test_every_sample_means_exactly_what_it_declares(self) -> None:
        for sample in self.application.samples:
            assert self._translation(sample.delivery) == sample.translation, sample.title

    def test_every_value_is_of_the_type_that_its_event_declares(self) -> None:
        for sample in self.application.samples:
            _check(self._translation(sample.delivery))

    def test_the_same_message_always_means_the_same(self) -> None:
        for sample in self.application.samples:
            repeat = replace(sample.delivery, headers=dict(sample.delivery.headers))

            assert self._translation(repeat) == self._translation(sample.delivery), sample.title

    def test_identities_name_one_fact_each(self) -> None:
        for sample in self.application.samples:
            identities = [fact.identity for fact in sample.translation.facts]

            assert all(identities), sample.title
            assert len(set(identities)) == len(identities), sample.title

    def test_all_times_know_their_offset(self) -> None:
        for fact in self._sample_facts():
            for moment in _moments(fact):
                assert moment.tzinfo is not None, fact.identity

    def test_a_sequence_counts_in_a_stream(self) -> None:
        for fact in self._sample_facts():
            assert (fact.sequence is None) == (not fact.stream), fact.identity

    def test_garbage_is_refused_with_a_reason(self) -> None:
        for sample in self.application.samples:
            for body in GARBAGE:
                translation = self._translation(replace(sample.delivery, body=body))

                assert not translation.facts, (sample.title, body[:40])
                # A CSV file that holds its header alone says nothing; JSON always says something.
                is_json = _json_or_none(sample.delivery.body) is not None
                assert translation.refused or not is_json, (sample.title, body[:40])
                _check(translation)

    def test_a_message_that_breaks_off_is_refused(self) -> None:
        for sample in self._json_samples():
            for length in _positions(len(sample.delivery.body)):
                body = sample.delivery.body[:length]
                if _json_or_none(body) is not None:
                    continue
                translation = self._translation(replace(sample.delivery, body=body))

                assert not translation.facts, (sample.title, body[-40:])
                assert translation.refused, (sample.title, body[-40:])
                _check(translation)

    def test_a_message_with_an_odd_value_anywhere_never_raises(self) -> None:
        for sample in self.application.samples:
            for body in _mutated(sample.delivery.body):
                _check(self._translation(replace(sample.delivery, body=body)))

    def test_a_file_cut_or_altered_anywhere_never_raises(self) -> None:
        for sample in self.application.samples:
            body = sample.delivery.body
            for position in _positions(len(body)):
                for piece in (body[:position], body[:position] + b"\xff" + body[position + 1 :]):
                    _check(self._translation(replace(sample.delivery, body=piece)))

    def test_a_signed_message_is_accepted(self) -> None:
        for receiver, sample in self._received():
            receiver.verify(sample.delivery, self.now)

    def test_a_signed_message_altered_by_one_byte_is_refused(self) -> None:
        for receiver, sample in self._received():
            if not _signing_headers(receiver, sample.delivery, self.now):
                continue
            body = sample.delivery.body
            for position in _positions(len(body)):
                altered = bytes((*body[:position], body[position] ^ 1, *body[position + 1 :]))
                with pytest.raises(Forbidden):
                    receiver.verify(replace(sample.delivery, body=altered), self.now)

    def test_a_signature_altered_by_one_character_is_refused(self) -> None:
        for receiver, sample in self._received():
            for name in _signing_headers(receiver, sample.delivery, self.now):
                for altered in _altered_texts(sample.delivery.headers[name]):
                    headers = {**sample.delivery.headers, name: altered}
                    with pytest.raises(Forbidden):
                        receiver.verify(replace(sample.delivery, headers=headers), self.now)

    def test_what_tells_stock_says_what_its_own_number_means(self) -> None:
        equation = self.application.stock_equation
        if equation is None:
            told = [event for event in self.application.events if event in STOCK]
            assert not told, "declare `stock_equation`: what it calls available, and what you take"
            return
        assert equation.equation
        assert equation.inputs
        assert equation.available, "name the fields that show its own number: they are tried"
        names = [entry.field for entry in equation.inputs]
        assert not set(names) & set(equation.available), "its own number is no input"

    def test_the_samples_hold_the_inputs_of_the_equation(self) -> None:
        equation = self.application.stock_equation
        for entry in equation.inputs if equation else ():
            assert entry.tells in self.application.events, entry.field
            assert any(
                names_field(sample.delivery.body, entry.field)
                and any(isinstance(fact.payload, entry.tells) for fact in sample.translation.facts)
                for sample in self.application.samples
            ), f"no sample has {entry.field!r} and tells {entry.tells.TYPE}"

    def test_its_own_number_of_available_never_counts(self) -> None:
        equation = self.application.stock_equation
        for sample in self.application.samples if equation else ():
            for name in equation.available if equation else ():
                body = with_number(sample.delivery.body, name)
                translation = self._translation(replace(sample.delivery, body=body))

                assert counting(translation) == counting(sample.translation), (
                    f"{name!r} counts in: {sample.title}"
                )

    def test_a_connection_has_the_methods_of_its_roles(self) -> None:
        for role, safety in self.application.roles.items():
            connection = type(self).connection or _connection_class(self.application)

            assert safety, role
            assert connection, "annotate what `connect` yields with its class, or set `connection`"
            for name in _methods(role):
                assert inspect.iscoroutinefunction(getattr(connection, name, None)), name

    def test_who_is_asked_for_stock_or_open_lines_can_answer(self) -> None:
        question = self.application.stock_question
        connection = type(self).connection or _connection_class(self.application)
        method = getattr(connection, "stock_of", None)

        assert bool(self.application.lists_open) == hasattr(connection, "open_lines")
        assert self.application.requests_a_listing > 0
        assert bool(question) == inspect.iscoroutinefunction(method)
        assert bool(self.application.again_max) == hasattr(connection, "tell_again")
        assert question is None or (question.keys_max > 0 and question.requests > 0)
        assert question is None or StockSnapshotTaken in self.application.events

    def _sample_facts(self) -> Iterator[Fact]:
        for sample in self.application.samples:
            yield from sample.translation.facts

    def _json_samples(self) -> Iterator[Sample]:
        for sample in self.application.samples:
            if _json_or_none(sample.delivery.body) is not None:
                yield sample

    def _settings(self) -> BaseModel:
        return self.settings or self.application.settings()

    def _received(self) -> Iterator[tuple[Receives, Sample]]:
        if self.application.receive is None or type(self).translate is not None:
            return
        receiver = self.application.receive(self._settings())
        for sample in self.application.samples:
            if not any(name.startswith(":") for name in sample.delivery.headers):
                yield receiver, sample

    def _translation(self, delivery: Delivery) -> Translation:
        translate = type(self).translate
        if translate is not None:
            return translate(delivery)
        if self.application.receive is None:
            pytest.skip("a polled application names `translate` to have its mapping tested")
        return self.application.receive(self._settings()).translate(delivery)


def _sounds_secret(name: str) -> bool:
    return bool(SECRET_WORDS & set(name.split("_"))) or name.endswith(SECRET_ENDINGS)


def _check(translation: Translation) -> None:
    """Ask of whatever was made of a message: a reason for each refusal, and facts that fit."""
    for refused in translation.refused:
        assert refused.code
        assert refused.reason
    for fact in translation.facts:
        breach = breach_of(fact)
        assert breach is None, f"{breach}: {fact}: refuse what is of another type, with a reason"


def _moments(value: object) -> Iterator[datetime]:
    """Find every time in a fact, however deep it lies."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, tuple):
        for entry in cast("tuple[object, ...]", value):
            yield from _moments(entry)
    elif is_dataclass(value):
        for entry in fields(value):
            yield from _moments(getattr(value, entry.name))


def _positions(length: int) -> range:
    """Walk through a body; a long one in steps that are prime to its regularities."""
    step = 1 if length <= BODY_POSITIONS_MAX else length // BODY_POSITIONS_MAX | 1
    return range(0, length, step)


def _json_or_none(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _mutated(body: bytes) -> Iterator[bytes]:
    """Put an odd value in every place of a JSON message, or of each line of a JSONL file."""
    content = _json_or_none(body)
    if content is not None:
        for mutant in _mutants(content):
            yield json.dumps(mutant).encode()
        return
    lines = body.split(b"\n")
    for index, line in enumerate(lines):
        content = _json_or_none(line)
        for mutant in _mutants(content) if content is not None else ():
            yield b"\n".join((*lines[:index], json.dumps(mutant).encode(), *lines[index + 1 :]))


def _mutants(content: object) -> Iterator[object]:
    yield from ODD_VALUES
    if isinstance(content, dict):
        members = cast("dict[str, object]", content)
        for key, value in members.items():
            yield {name: members[name] for name in members if name != key}
            yield from ({**members, key: mutant} for mutant in _mutants(value))
    elif isinstance(content, list):
        entries = cast("list[object]", content)
        for index, value in enumerate(entries):
            yield [*entries, value]
            for mutant in _mutants(value):
                yield [*entries[:index], mutant, *entries[index + 1 :]]


def _signing_headers(receiver: Receives, delivery: Delivery, now: datetime) -> list[str]:
    """Find the headers without which the message is refused: they carry its proof."""
    return [
        name
        for name in delivery.headers
        if not _is_accepted_without(name, receiver, delivery, now)
    ]


def _is_accepted_without(name: str, receiver: Receives, delivery: Delivery, now: datetime) -> bool:
    headers: Mapping[str, str] = {
        key: value for key, value in delivery.headers.items() if key != name
    }
    try:
        receiver.verify(replace(delivery, headers=headers), now)
    except Forbidden:
        return False
    return True


def _altered_texts(text: str) -> Iterator[str]:
    for position, character in enumerate(text):
        yield text[:position] + chr(ord(character) ^ 1) + text[position + 1 :]
        yield text[:position] + text[position + 1 :]
    yield ""
    yield text + "0"


def _connection_class(application: Application) -> type[Any] | None:
    """Read the class off `connect`: a context manager class, or what a function yields."""
    connect = application.connect
    if connect is None or inspect.isclass(connect):
        return connect
    returned = inspect.signature(connect, eval_str=True).return_annotation
    yielded = getattr(returned, "__args__", (None,))[0]
    return yielded if inspect.isclass(yielded) and yielded is not Connection else None


def _methods(role: type[Any]) -> list[str]:
    return [name for name, _ in inspect.getmembers(role, inspect.isfunction) if name[0] != "_"]
