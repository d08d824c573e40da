"""The conformance suite finds what it promises to find: each fault fails its own test."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from pydantic import BaseModel, Field

from crossdock.applications.generic_wms import APPLICATION
from crossdock.applications.generic_wms.client import Receiving
from crossdock.applications.generic_wms.sample_forms import SAMPLE_NOW
from crossdock.applications.generic_wms.samples import SAMPLE_SETTINGS
from crossdock.canonical.inventory import StockMoved
from crossdock.canonical.orders import OrderChanged
from crossdock.connectivity.sdk import (
    Application,
    Delivery,
    NativeInput,
    Ports,
    PublishesAvailability,
    RepeatSafety,
    Translation,
)
from crossdock.connectivity.sdk.conformance import ApplicationConformance


class Plain:
    async def check(self) -> str:
        return "fine"


@asynccontextmanager
async def plain(settings: Any, ports: Ports) -> AsyncIterator[Plain]:
    del settings, ports
    yield Plain()


class Careless(BaseModel):
    password: str = Field(default="", description="Not a SecretStr.")
    undescribed: int = 1


class BelievesEverybody(Receiving):
    def verify(self, delivery: Delivery, now: datetime) -> None:
        if "webhook-signature" not in delivery.headers:
            super().verify(delivery, now)


class Forgetful(Receiving):
    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._times = 0

    def translate(self, delivery: Delivery) -> Translation:
        translation = super().translate(delivery)
        Forgetful.times += 1
        facts = tuple(replace(fact, actor=str(Forgetful.times)) for fact in translation.facts)
        return Translation(facts, translation.refused)

    times = 0


class Trusting(Receiving):
    def translate(self, delivery: Delivery) -> Translation:
        json.loads(delivery.body)
        return super().translate(delivery)


class HandsOn(Receiving):
    """Passes a value on as it came out of the JSON, which no type checker sees."""

    def translate(self, delivery: Delivery) -> Translation:
        translation = super().translate(delivery)
        try:
            said: Any = json.loads(delivery.body)
        except ValueError:
            return translation
        reason = said.get("reason", "") if isinstance(said, dict) else ""
        facts = tuple(replace(fact, actor=reason) for fact in translation.facts)
        return Translation(facts, translation.refused)


class HandsOnANumber(Receiving):
    def translate(self, delivery: Delivery) -> Translation:
        facts: Any = super().translate(delivery).facts
        return Translation(tuple(replace(fact, native_ref=len(facts)) for fact in facts))


class Silent(Receiving):
    def translate(self, delivery: Delivery) -> Translation:
        return Translation(super().translate(delivery).facts)


def naive() -> Application:
    sample = APPLICATION.samples[0]
    fact = sample.translation.facts[0]
    when = fact.occurred_at.replace(tzinfo=None)
    late = replace(sample, translation=Translation((replace(fact, occurred_at=when),)))
    return replace(APPLICATION, samples=(late,))


def doubled() -> Application:
    sample = APPLICATION.samples[0]
    facts = sample.translation.facts * 2
    return replace(APPLICATION, samples=(replace(sample, translation=Translation(facts)),))


def streamless() -> Application:
    sample = APPLICATION.samples[0]
    fact = replace(sample.translation.facts[0], stream="")
    return replace(APPLICATION, samples=(replace(sample, translation=Translation((fact,))),))


class Copies(Receiving):
    """Believes what the warehouse calls available, where it says so."""

    def translate(self, delivery: Delivery) -> Translation:
        body = re.sub(
            rb'"quantity": "4"(.*"available": )(\d+)', rb'"quantity": "\2"\1\2', delivery.body
        )
        return super().translate(replace(delivery, body=body))


def meaning(**change: Any) -> Application:
    equation = APPLICATION.stock_equation
    assert equation
    return replace(APPLICATION, stock_equation=replace(equation, **change))


def taking(field: str, tells: type[Any] = StockMoved) -> Application:
    return meaning(inputs=(NativeInput(field=field, tells=tells, meaning="a number"),))


Check = Callable[[ApplicationConformance], None]
Suite = ApplicationConformance


@pytest.mark.parametrize(
    ("application", "check"),
    [
        (replace(APPLICATION, name="Not A Name"), Suite.test_the_declaration_is_complete),
        (replace(APPLICATION, owner=""), Suite.test_the_declaration_is_complete),
        (
            replace(APPLICATION, settings=Careless),
            Suite.test_the_settings_make_a_form_that_explains_itself,
        ),
        (replace(APPLICATION, settings=Careless), Suite.test_secrets_are_never_shown),
        (
            replace(APPLICATION, events=(*APPLICATION.events, OrderChanged)),
            Suite.test_each_declared_event_has_a_sample_and_no_other,
        ),
        (doubled(), Suite.test_every_sample_means_exactly_what_it_declares),
        (doubled(), Suite.test_identities_name_one_fact_each),
        (naive(), Suite.test_all_times_know_their_offset),
        (streamless(), Suite.test_a_sequence_counts_in_a_stream),
        (
            replace(APPLICATION, receive=Forgetful),
            Suite.test_the_same_message_always_means_the_same,
        ),
        (
            replace(APPLICATION, receive=HandsOn),
            Suite.test_a_message_with_an_odd_value_anywhere_never_raises,
        ),
        (
            replace(APPLICATION, receive=HandsOnANumber),
            Suite.test_every_value_is_of_the_type_that_its_event_declares,
        ),
        (
            replace(APPLICATION, receive=Silent),
            Suite.test_a_message_that_breaks_off_is_refused,
        ),
        (
            replace(APPLICATION, stock_equation=None),
            Suite.test_what_tells_stock_says_what_its_own_number_means,
        ),
        (meaning(equation=""), Suite.test_what_tells_stock_says_what_its_own_number_means),
        (meaning(inputs=()), Suite.test_what_tells_stock_says_what_its_own_number_means),
        (meaning(available=()), Suite.test_what_tells_stock_says_what_its_own_number_means),
        (taking("available"), Suite.test_what_tells_stock_says_what_its_own_number_means),
        (taking("on_shelf"), Suite.test_the_samples_hold_the_inputs_of_the_equation),
        (
            taking("snapshot_id", StockMoved),
            Suite.test_the_samples_hold_the_inputs_of_the_equation,
        ),
        (
            taking("quantity", OrderChanged),
            Suite.test_the_samples_hold_the_inputs_of_the_equation,
        ),
        (
            replace(APPLICATION, receive=Copies),
            Suite.test_its_own_number_of_available_never_counts,
        ),
        (
            replace(
                APPLICATION,
                connect=plain,
                roles={PublishesAvailability: RepeatSafety.COMPARE_AND_SET},
            ),
            Suite.test_a_connection_has_the_methods_of_its_roles,
        ),
    ],
)
def test_a_fault_fails_its_test(application: Application, check: Check) -> None:
    with pytest.raises(AssertionError):
        check(suite_of(application))


def test_a_mapping_that_raises_is_found() -> None:
    suite = suite_of(replace(APPLICATION, receive=Trusting))

    for check in (
        suite.test_garbage_is_refused_with_a_reason,
        suite.test_a_file_cut_or_altered_anywhere_never_raises,
    ):
        with pytest.raises(ValueError, match=r"line 1|utf"):
            check()


def test_a_receiver_that_believes_everybody_is_found() -> None:
    suite = suite_of(replace(APPLICATION, receive=BelievesEverybody))

    for check in (
        suite.test_a_signed_message_altered_by_one_byte_is_refused,
        suite.test_a_signature_altered_by_one_character_is_refused,
    ):
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            check()


def test_settings_that_take_anything_are_found() -> None:
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        suite_of(replace(APPLICATION, settings=Careless)).test_an_unknown_setting_is_refused()


def suite_of(application: Application) -> ApplicationConformance:
    members = {"application": application, "settings": SAMPLE_SETTINGS, "now": SAMPLE_NOW}
    suite: ApplicationConformance = type("Planted", (ApplicationConformance,), members)()
    return suite
