"""Rules and nodes as they are put: what is refused, and how names are made comparable."""

from dataclasses import replace
from typing import Any

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.sourcing.model import (
    Filter,
    Lane,
    NodeFacts,
    Preference,
    Rules,
    check_rules,
)
from crossdock.capabilities.sourcing.nodes import check_node, postal, tidy

FACTS = NodeFacts(
    node="DC1", lanes=(Lane(country="DE"), Lane(country="AT", cost=5, distance_km=7))
)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"filters": (Filter.ACTIVE, Filter.LANE, Filter.ACTIVE)}, "/filters/2"),
        ({"preferences": (Preference.COST, Preference.COST)}, "/preferences/1"),
        ({"preferences": ()}, "/preferences"),
        ({"max_shipments": 0}, "/max_shipments"),
        ({"max_shipments": 13}, "/max_shipments"),
        ({"min_line_split": -1}, "/min_line_split_qty"),
        ({"min_line_split": 10**18}, "/min_line_split_qty"),
    ],
)
def test_rules_that_nobody_could_follow_are_refused(change: dict[str, Any], where: str) -> None:
    check_rules(Rules(filters=(), max_shipments=12))
    with pytest.raises(Invalid) as refused:
        check_rules(replace(Rules(), **change))

    assert refused.value.where == where


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"node": ""}, "/node"),
        ({"load_percent": -1}, "/load_percent"),
        ({"load_percent": 1001}, "/load_percent"),
        ({"lanes": (Lane(transit_days=-1),)}, "/lanes/0/transit_days"),
        ({"lanes": (Lane(transit_days=121),)}, "/lanes/0/transit_days"),
        ({"lanes": (Lane(runs_on=()),)}, "/lanes/0/runs_on"),
        ({"lanes": (Lane(runs_on=(0,)),)}, "/lanes/0/runs_on/0"),
        ({"lanes": (Lane(), Lane(country="DE", cost=-1))}, "/lanes/1/cost"),
        ({"lanes": (Lane(distance_km=-1),)}, "/lanes/0/distance_km"),
        ({"lanes": (Lane(country="DE"), Lane(country="DE", transit_days=9))}, "/lanes/1"),
    ],
)
def test_facts_that_could_not_be_meant_are_refused(change: dict[str, Any], where: str) -> None:
    check_node(FACTS)
    with pytest.raises(Invalid) as refused:
        check_node(replace(FACTS, **change))

    assert refused.value.where == where


def test_equal_facts_are_equal_however_they_were_written() -> None:
    said = NodeFacts(
        node=" dc1 ",
        capabilities=("ship", "SHIP ", "Pickup", ""),
        hazmat=("8", "3"),
        customers=("c2", "C1"),
        barred_customers=("c9",),
        lanes=(Lane(country="gb", region=" ldn", postal_prefix="sw1a 1", runs_on=(2, 1, 2)),),
    )

    assert tidy(said) == NodeFacts(
        node="DC1",
        capabilities=("PICKUP", "SHIP"),
        hazmat=("3", "8"),
        customers=("C1", "C2"),
        barred_customers=("C9",),
        lanes=(Lane(country="GB", region="LDN", postal_prefix="SW1A1", runs_on=(1, 2)),),
    )
    assert tidy(tidy(said)) == tidy(said)
    assert postal(" sw1a 1aa ") == "SW1A1AA"
