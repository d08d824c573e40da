"""Found a small distributor in an empty Tryton; run by Tryton's own Python, once per template."""

import sys
from decimal import Decimal
from typing import Any

from proteus import Model, Wizard
from proteus import config as proteus_config


def main(database: str, config_file: str) -> None:
    connection = proteus_config.set_trytond(database, user="admin", config_file=config_file)
    party = _saved("party.party", name="Dock & Sons")
    currency = _saved("currency.currency", name="Euro", code="EUR", rounding=Decimal("0.01"))
    founding = Wizard("company.company.config")
    founding.execute("company")
    founding.form.party, founding.form.currency = party, currency
    founding.execute("add")
    connection._context = Model.get("res.user").get_preferences(True, {})
    _may_cancel_what_is_done()
    _second_warehouse()
    _product("WIDGET", "Widget", "u")
    _product("FLOUR", "Flour", "kg")
    for name in ("Corner Shop", "Mill Supplies"):
        _saved("party.party", name=name)


def _saved(model: str, **values: Any) -> Any:
    record = Model.get(model)(**values)
    record.save()
    return record


def _may_cancel_what_is_done() -> None:
    (admin,) = Model.get("res.user").find([("login", "=", "admin")])
    (group,) = Model.get("res.group").find([("name", "ilike", "%Stock%Cancel%")])
    if group not in admin.groups:
        admin.groups.append(group)
        admin.save()


def _second_warehouse() -> None:
    zones = {
        f"{zone}_location": _saved(
            "stock.location", name=f"East {zone}", code=code, type="storage"
        )
        for zone, code in (("input", "EIN"), ("output", "EOUT"), ("storage", "ESTO"))
    }
    _saved("stock.location", name="East", code="EAST", type="warehouse", **zones)
    (west,) = Model.get("stock.location").find([("code", "=", "WH")])
    for code, name in (("SHELF-A", "Shelf A"), ("QC", "Quality control")):
        _saved(
            "stock.location", name=name, code=code, type="storage", parent=west.storage_location
        )


def _product(code: str, name: str, symbol: str) -> None:
    (unit,) = Model.get("product.uom").find([("symbol", "=", symbol)])
    template = Model.get("product.template")(
        name=name, default_uom=unit, type="goods", list_price=Decimal(10), salable=True
    )
    (product,) = template.products
    product.suffix_code = code
    template.save()


if __name__ == "__main__":
    main(*sys.argv[1:])
