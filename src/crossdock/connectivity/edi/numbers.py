"""Which numbers were there before, in little memory as long as they mostly count up. Pure."""

from bisect import bisect_right
from dataclasses import dataclass, field

DIGITS_MAX = 40
"""What has more digits is a word: no standard has such numbers, and they cost time to read."""


@dataclass(slots=True)
class Seen:
    """The control numbers of one envelope: a run of consecutive ones is kept as two numbers."""

    starts: list[int] = field(default_factory=list[int])
    ends: list[int] = field(default_factory=list[int])
    words: set[str] = field(default_factory=set[str])

    def add(self, number: str) -> bool:
        """Take a number, or a word in its place, and say whether it is new; 0001 is 1."""
        if not (number.isascii() and number.isdigit()) or len(number) > DIGITS_MAX:
            is_new = number not in self.words
            self.words.add(number)
            return is_new
        return self._add(int(number))

    def _add(self, value: int) -> bool:
        at = bisect_right(self.starts, value) - 1
        if at >= 0 and value <= self.ends[at]:
            return False
        joins_left = at >= 0 and self.ends[at] == value - 1
        joins_right = at + 1 < len(self.starts) and self.starts[at + 1] == value + 1
        if joins_left and joins_right:
            self.ends[at] = self.ends.pop(at + 1)
            self.starts.pop(at + 1)
        elif joins_left:
            self.ends[at] = value
        elif joins_right:
            self.starts[at + 1] = value
        else:
            self.starts.insert(at + 1, value)
            self.ends.insert(at + 1, value)
        return True
