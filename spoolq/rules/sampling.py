"""An even sample of a stream of unknown length in bounded memory. No I/O."""

from __future__ import annotations


class EvenSample:
    """Every n-th name of a stream, n doubling so that at most `most` names are kept.

    Listings come in an order that has little to do with what is asked of the sample, so every
    n-th is as good as chance, and the same listing gives the same sample.
    """

    def __init__(self, most: int) -> None:
        self.names: list[str] = []
        self.seen = 0
        self._most = most
        self._step = 1

    def extend(self, names: list[str]) -> None:
        """The next names of the stream."""
        self.names += names[-self.seen % self._step :: self._step]
        self.seen += len(names)
        while len(self.names) > self._most:
            del self.names[1::2]
            self._step *= 2

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out."""
        return self._step == 1

    def scaled(self, hits: int) -> int:
        """How many of the whole stream are like `hits` of the sample, rounded."""
        return round(hits * self.seen / len(self.names)) if self.names else 0
