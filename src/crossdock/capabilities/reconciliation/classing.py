"""Of which class a key is that a dump names without one: for its turn to be counted (§4.2)."""

from collections.abc import Collection

from crossdock.capabilities.reconciliation import asked_store
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ports import Key, KnowsNames
from crossdock.foundation.database import Transaction


async def classes_of(
    tx: Transaction, names: KnowsNames, keys: Collection[Key]
) -> dict[Key, ItemClass]:
    """Give what the last dump that classed it said, else the catalogue, else C: the fewest."""
    worths = await asked_store.classes_of(tx, keys)
    goods = await names.goods(tx, {item for _, item in keys})
    return {
        key: ItemClass.first_of(
            (
                worths[key].of if key in worths else "",
                goods[key[1]].item_class if key[1] in goods else "",
            ),
            otherwise=ItemClass.C,
        )
        for key in keys
    }
