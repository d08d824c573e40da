"""What allocation tells is kept in order for each order."""

from crossdock.canonical.allocation import ConfirmationChanged, Strategy
from crossdock.canonical.quantities import Quantity


def test_changes_of_one_order_are_heard_in_their_order() -> None:
    change = ConfirmationChanged(
        run_id="run_1", demand_ref="1001/1", order_id="1001", channel="web", item="BOLT",
        location="DC1", strategy=Strategy.IMPROVE, requested=Quantity.of(8),
        before=Quantity.of(0), confirmed=Quantity.of(2),
    )  # fmt: skip

    assert change.key == "1001"
