"""Room on a file system, and when it is getting low. No I/O."""

from __future__ import annotations

from spoolq.shapes import NamedTuple

LOW_SHARE, LOW_BYTES, LOW_INODES = 0.05, 20 * 1024**3, 1_000_000
SCARCE_SHARE, SCARCE_BYTES, SCARCE_INODES = 0.01, 2 * 1024**3, 50_000


class Room(NamedTuple):
    """What is free of a file system for who asks; `inodes` is 0 where there is no limit to them."""

    free_bytes: int
    size_bytes: int
    free_inodes: int
    inodes: int

    @property
    def free_share(self) -> float:
        """The part of the bytes that is free, 0 to 1."""
        return self.free_bytes / self.size_bytes if self.size_bytes else 1.0

    @property
    def free_inode_share(self) -> float:
        """The part of the inodes that is free, 0 to 1."""
        return self.free_inodes / self.inodes if self.inodes else 1.0

    @property
    def told(self) -> str:
        """How much is left, for people."""
        share = f"{self.free_share:.1%} of the bytes"
        if self.inodes:
            share += f" and {self.free_inode_share:.1%} of the inodes"
        return f"the file system is nearly full: {share} are free"

    @property
    def is_low(self) -> bool:
        """Whether somebody should make room soon: both the share and the amount left are small."""
        return self._is_below(LOW_SHARE, LOW_BYTES, LOW_INODES)

    @property
    def is_scarce(self) -> bool:
        """Whether publishing is about to fail."""
        return self._is_below(SCARCE_SHARE, SCARCE_BYTES, SCARCE_INODES)

    def _is_below(self, share: float, count_bytes: int, inodes: int) -> bool:
        # A percent of a large disk is plenty, and so is a gigabyte of a small one.
        few_bytes = self.free_share < share and self.free_bytes < count_bytes
        return few_bytes or (self.free_inode_share < share and self.free_inodes < inodes)
