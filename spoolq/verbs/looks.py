"""Looking at one directory again and again, on a network file system too, without missing a name.

NFS: a client reads a directory anew when its stamp has changed. A name that is made in the same
tick of the server's clock as the last change seen changes no stamp, and would be missed until the
next change (always on NFS 3 with servers whose stamps step). So after a look at a directory that
had just changed, the next look touches it first, and lets the tick pass.
"""

from __future__ import annotations

from spoolq.disk.clock import GRAIN_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spoolq.verbs.context import OpenSpool

SETTLING_SECONDS = 2 * GRAIN_SECONDS


class Looks:
    """One process's looks at one directory: `begin`, list it, `end`."""

    def __init__(self, spool: OpenSpool, directory: str) -> None:
        self._spool = spool
        self._directory = directory
        self._in_doubt = False

    def begin(self) -> None:
        """Before a listing: what the last one may have missed will be in it."""
        if self._in_doubt:
            self._in_doubt = False
            self._spool.fs.touch_directory(self._directory)
            self._spool.sleep(SETTLING_SECONDS)

    def end(self) -> None:
        """After a listing: remember whether something may be made unseen from now on."""
        if self._spool.fs.is_network:
            # The directory's attributes came with the listing: this asks the server nothing.
            entry = self._spool.fs.lstat(self._directory)
            newest = self._spool.clock.now() - SETTLING_SECONDS
            self._in_doubt = entry is not None and entry.modified_at > newest
