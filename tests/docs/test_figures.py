"""Figures that the documentation says of an application are those that its plans come to."""

import pytest

from crossdock.capabilities.reconciliation.planning import System, askings, plans_of
from crossdock.connectivity.directory import installed_applications
from tests.docs.generate import DOCS

A_DAY = 86_400
CLASSES = {"A": 20_000, "B": 30_000, "C": 50_000}


@pytest.mark.parametrize(
    ("classes", "days", "said"),
    [
        (CLASSES, 36, "1 % of its quota, and a round takes 36 days"),
        ({}, 75, "one without classes takes 75"),
    ],
)
def test_a_million_positions_of_a_tryton_cost_what_the_page_says(
    classes: dict[str, int], days: int, said: str
) -> None:
    tryton = installed_applications()["tryton"]
    question = tryton.stock_question
    assert question is not None
    quota = int(tryton.rate_per_second * A_DAY / question.requests)
    places = [System("erp", f"DC{n}", 100_000, question.keys_max, quota) for n in range(10)]
    asked = {("erp", place.location): askings(100_000, classes) for place in places}

    plans = plans_of(places, asked)

    assert (tryton.rate_per_second, question.keys_max, question.requests) == (5.0, 200, 16)
    assert sum(plan.calls_a_day for plan in plans) == 270
    assert {plan.days_a_round for plan in plans} == {days}
    page = (DOCS / "explanation" / "reconciliation.md").read_text()
    assert "are 270 questions of up to 200 keys a day" in page
    assert said in page


def test_the_applications_page_says_how_many_requests_a_question_of_a_tryton_takes() -> None:
    page = (DOCS / "reference" / "applications.md").read_text()

    assert "up to 200 in a question,\nwhich counts as 16 requests of its rate" in page
