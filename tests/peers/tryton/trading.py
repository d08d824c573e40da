"""What people do in Tryton all day, done over its own API for the tests."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from crossdock.applications.tryton.session import Session
from crossdock.applications.tryton.wire import Measure


class Trading:
    """A clerk with a session: stocks shelves, sells, ships."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def rows(
        self, model: str, domain: Sequence[object], *fields: str
    ) -> list[Mapping[str, Any]]:
        order = [["id", "ASC"]]
        answer = await self.session.ask(
            f"model.{model}.search_read", list(domain), 0, None, order, list(fields)
        )
        return list(answer.result)

    async def one(self, model: str, *clause: object) -> int:
        (row,) = await self.rows(model, [list(clause)], "id")
        return int(row["id"])

    async def do(self, model: str, button: str, ids: Sequence[int]) -> None:
        await self.session.change(f"model.{model}.{button}", list(ids))

    async def create(self, model: str, *values: Mapping[str, Any]) -> list[int]:
        created: list[int] = await self.session.change(f"model.{model}.create", list(values))
        return created

    async def company(self) -> int:
        return int((await self.session.preferences())["company"])

    async def products(self, *codes: str, unit: str = "u") -> list[int]:
        unit_id = await self.one("product.uom", "symbol", "=", unit)
        template = {
            "type": "goods",
            "default_uom": unit_id,
            "list_price": Decimal(10),
            "salable": True,
            "sale_uom": unit_id,
        }
        await self.create(
            "product.template",
            *(
                {**template, "name": code, "products": [["create", [{"suffix_code": code}]]]}
                for code in codes
            ),
        )
        found = await self.rows("product.product", [["code", "in", list(codes)]], "code")
        by_code = {row["code"]: int(row["id"]) for row in found}
        return [by_code[code] for code in codes]

    async def moves(self, moves: Sequence[tuple[int, str]], source: int, target: int) -> list[int]:
        """Draft moves of (product, quantity) in the product's own unit."""
        rows = await self.rows(
            "product.product", [["id", "in", [product for product, _ in moves]]], "default_uom"
        )
        units = {row["id"]: row["default_uom"] for row in rows}
        company = await self.company()
        return await self.create(
            "stock.move",
            *(
                {
                    "product": product,
                    "quantity": Measure(Decimal(quantity)),
                    "unit": units[product],
                    "from_location": source,
                    "to_location": target,
                    "company": company,
                }
                for product, quantity in moves
            ),
        )

    async def stock(self, *lines: tuple[int, str]) -> list[int]:
        """Find goods on the floor and put them on the shelf."""
        lost = await self.one("stock.location", "type", "=", "lost_found")
        shelf = await self.one("stock.location", "code", "=", "STO")
        moves = await self.moves(lines, lost, shelf)
        await self.do("stock.move", "do", moves)
        return moves

    async def on_hand(self, product: int, location: int) -> Decimal:
        """Ask Tryton's own books what lies at a location and below it now."""
        today = (await self.session.ask("model.ir.date.today")).result
        answer = await self.session.ask(
            "model.product.product.read",
            *([product], ["quantity"]),
            context={"locations": [location], "stock_date_end": today},
        )
        return Decimal(str(answer.result[0]["quantity"]))

    async def sell(self, product: int, quantity: str, *, reference: str) -> int:
        """Enter a sale and process it, so that it has a shipment waiting."""
        sale = await self.enter_sale(product, quantity, reference=reference)
        for button in ("quote", "confirm", "process"):
            await self.do("sale.sale", button, [sale])
        return sale

    async def enter_sale(self, product: int, quantity: str, *, reference: str) -> int:
        party = await self.one("party.party", "name", "=", "Corner Shop")
        (address,) = await self.create("party.address", {"party": party, "street": reference})
        (unit,) = {
            row["default_uom"]
            for row in await self.rows("product.product", [["id", "=", product]], "default_uom")
        }
        line = {
            "type": "line",
            "product": product,
            "quantity": Measure(Decimal(quantity)),
            "unit": unit,
            "unit_price": Decimal(10),
        }
        (sale,) = await self.create(
            "sale.sale",
            {
                "party": party,
                "invoice_address": address,
                "shipment_address": address,
                "reference": reference,
                "warehouse": await self.one("stock.location", "code", "=", "WH"),
                "currency": await self.one("currency.currency", "code", "=", "EUR"),
                "company": await self.company(),
                "invoice_method": "manual",
                "shipment_method": "order",
                "sale_date": date(2026, 5, 4),
                "lines": [["create", [line]]],
            },
        )
        return sale

    async def shipment_of(self, sale: int) -> int:
        (row,) = await self.rows("sale.sale", [["id", "=", sale]], "shipments")
        return int(row["shipments"][0])

    async def ship(self, shipment: int, *buttons: str) -> None:
        for button in buttons or ("assign_try", "pick", "pack", "do"):
            await self.do("stock.shipment.out", button, [shipment])

    async def unit(self, symbol: str, size: int, *, of: str = "u") -> int:
        """Answer a unit that holds so many of another; make it if nobody did."""
        found = await self.rows("product.uom", [["symbol", "=", symbol]], "id")
        if found:
            return int(found[0]["id"])
        (like,) = await self.rows("product.uom", [["symbol", "=", of]], "category")
        (made,) = await self.create(
            "product.uom",
            {
                "name": symbol,
                "symbol": symbol,
                "category": like["category"],
                "factor": Measure(Decimal(size)),
                "rate": Measure(round(1 / Decimal(size), 12)),
                "rounding": Measure(Decimal(1)),
                "digits": 0,
            },
        )
        return made

    async def buy(
        self, product: int, quantity: str, *, unit: int, on: date, reference: str
    ) -> int:
        """Draft a purchase, to be delivered on a day."""
        party = await self.one("party.party", "name", "=", "Mill Supplies")
        (address,) = await self.create("party.address", {"party": party, "street": reference})
        (template,) = {
            row["template"]
            for row in await self.rows("product.product", [["id", "=", product]], "template")
        }
        (stock,) = await self.rows("product.template", [["id", "=", template]], "default_uom")
        bought = {"purchasable": True, "purchase_uom": stock["default_uom"]}
        await self.session.change("model.product.template.write", [template], bought)
        line = {
            "type": "line",
            "product": product,
            "quantity": Measure(Decimal(quantity)),
            "unit": unit,
            "unit_price": Decimal(10),
        }
        (purchase,) = await self.create(
            "purchase.purchase",
            {
                "party": party,
                "invoice_address": address,
                "reference": reference,
                "warehouse": await self.one("stock.location", "code", "=", "WH"),
                "currency": await self.one("currency.currency", "code", "=", "EUR"),
                "company": await self.company(),
                "invoice_method": "manual",
                "purchase_date": date(2026, 5, 4),
                "delivery_date": on,
                "lines": [["create", [line]]],
            },
        )
        return purchase

    async def receive(self, purchase: int, quantity: str) -> int:
        """Receive so much of the one open move of a purchase, and put it on the shelf."""
        domain = [["origin.purchase.id", "=", purchase, "purchase.line"], ["state", "=", "draft"]]
        (move,) = await self.rows("stock.move", domain, "id")
        (order,) = await self.rows("purchase.purchase", [["id", "=", purchase]], "party")
        (shipment,) = await self.create(
            "stock.shipment.in",
            {
                "supplier": order["party"],
                "company": await self.company(),
                "warehouse": await self.one("stock.location", "code", "=", "WH"),
                "warehouse_input": await self.one("stock.location", "code", "=", "IN"),
                "warehouse_storage": await self.one("stock.location", "code", "=", "STO"),
                "incoming_moves": [["add", [move["id"]]]],
            },
        )
        took = {"quantity": Measure(Decimal(quantity))}
        await self.session.change("model.stock.move.write", [move["id"]], took)
        for button in ("receive", "do"):
            await self.do("stock.shipment.in", button, [shipment])
        return shipment
