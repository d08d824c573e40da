"""Who does something, in one way: a person, a key by its name, or a person by means of a key.

Where two people are wanted, names decide: a key is held to be whoever it is named after.
"""

import re
import unicodedata

_BY_KEY = re.compile(r"(?:(?P<person>.+) \()?key (?P<key>.+?)(?(person)\))", re.DOTALL)


def by_key(key: str, person: str = "") -> str:
    """Name who acts by a key: `key NAME`, or `PERSON (key NAME)` where it says for whom."""
    said = " ".join(person.split())
    return f"{said} (key {key})" if said else f"key {key}"


def folded(name: str) -> str:
    """Give a name without what tells no people apart: case, form in Unicode, outer blanks."""
    text = unicodedata.normalize("NFD", name).casefold()
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", text).split())


def may_be_same(one: str, other: str) -> bool:
    """Say whether two may be one person; of one who is not named nobody knows."""
    return not _names(one).isdisjoint(_names(other))


def _names(who: str) -> set[str]:
    by = _BY_KEY.fullmatch(who.strip())
    names = (by["person"] or "", by["key"]) if by else (who,)
    return {folded(name) for name in names} - {""}
