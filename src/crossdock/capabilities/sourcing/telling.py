"""In words: how what is given of a line comes together, and what a kit lacks (§3.5). Pure."""

from collections.abc import Sequence

from crossdock.canonical.quantities import Quantity, plain
from crossdock.capabilities.sourcing.arriving import supplied, takes
from crossdock.capabilities.sourcing.filling import Give, Ground, Served
from crossdock.capabilities.sourcing.kits import Taken
from crossdock.capabilities.sourcing.model import Candidate, Line


def given_how(ground: Ground, found: Served) -> dict[Give, str]:
    """Say what is given of each line: out of what, and when it comes if it does not lie there."""
    waits, of_kits = supplied(ground, found), takes(ground, found)
    said: dict[Give, str] = {}
    for give in found.gives:
        line, node = ground.lines[give.line], ground.nodes[give.node]
        words = [f"line {line.line_no}"]
        if of_kits.get(give):
            is_own = line.line_no in node.own
            words += _put_together(give.micros, of_kits[give].get(line.item, 0), is_own=is_own)
        if line.item in node.unlimited:
            words.append("which no stock limits")
        if after := waits.get(give):
            basis = "by its lead time" if line.item in node.by_lead_time else "from supply due"
            words.append(f"{basis} on {after.ships_on}")
        said[give] = f"{amount(give.micros)} of {line.item} ({', '.join(words)})"
    return said


def lacking_beside(ground: Ground, found: Served, number: int) -> str:
    """Name the parts of which a node has too little for more kits, beside what it gives."""
    node, taken = ground.nodes[number], Taken()
    given: dict[int, int] = {}
    for give in found.gives:
        given[give.line] = given.get(give.line, 0) + give.micros
        if give.node == number:
            ground.reach_of.take(ground.lines[give.line], node, give.micros, taken)
    short = [
        line
        for place, line in enumerate(ground.lines)
        if given.get(place, 0) < line.micros
        and (found.gives or ground.usable[place][number] < line.micros)
    ]
    return lacking(short, node, taken)


def lacking(lines: Sequence[Line], node: Candidate, taken: Taken | None = None) -> str:
    """Name the parts of which a node has too little to put together these lines' kits."""
    kits = {line.item: (line, kit) for line in lines if (kit := node.kits.get(line.line_no))}
    return "".join(
        f"; too little {' and '.join(parts)} for more {item}"
        for item, (line, kit) in sorted(kits.items())
        if (parts := kit.lacking(line.micros, taken or Taken()))
    )


def _put_together(micros: int, there: int, *, is_own: bool) -> list[str]:
    """Say how many are put together; what an order claims itself may be held in parts already."""
    made = micros - there
    if is_own:
        return [f"{amount(made)} put together"] if made else []
    if not made:
        return ["assembled"]
    if not there:
        return ["put together"]
    return [f"{amount(there)} assembled, {amount(made)} put together"]


def amount(micros: int) -> str:
    return plain(Quantity.from_micros(micros).value)
