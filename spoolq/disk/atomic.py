"""The safe compositions of file operations. Everything that must not be half done is here."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from spoolq.disk.clock import ServerClock
    from spoolq.disk.filesystem import FileSystem


def create_stamped(fs: FileSystem, clock: ServerClock, name: str) -> int:
    """Create a file exclusively and let the clock learn from its stamp."""
    before = clock.local()
    if before < clock.known_until:
        return fs.create_unstamped(name)
    handle, stamp = fs.create(name)
    clock.observe(before, stamp, clock.local())
    return handle


def write_new(
    fs: FileSystem,
    clock: ServerClock,
    name: str,
    contents: bytes | Callable[[float], bytes],
    *,
    sync: bool,
) -> None:
    """Write a new file whole and close it; on any error it is gone again.

    Args:
        contents: the bytes, or what makes them from the time of the creation (server seconds).

    Raises:
        OSError: the file system refused; nothing is left behind.
    """
    before = clock.local()
    if before < clock.known_until:
        handle, stamp = fs.create_unstamped(name), None
    else:
        handle, stamp = fs.create(name)
        clock.observe(before, stamp, clock.local())
    try:
        try:
            if not isinstance(contents, bytes):
                contents = contents(clock.now() if stamp is None else stamp)
            fs.write(handle, contents)
            if sync:
                # CRASH: I3. After a failed fsync the kernel may have dropped the pages; a second
                # one would succeed and prove nothing. So the file is given up, never retried.
                fs.sync(handle)
        finally:
            fs.close(handle)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = name
        discard(fs, name)
        raise


def discard(fs: FileSystem, name: str) -> bool:
    """Remove a file of ours if it is there; whatever prevents it is left to the sweep."""
    try:
        fs.unlink(name)
    except OSError:
        return False
    return True


def make_directory(fs: FileSystem, name: str) -> None:
    """Make a directory that is made when it is needed; somebody else may do so at this moment."""
    try:
        fs.mkdir(name)
    except FileExistsError:
        pass


def place_whole(fs: FileSystem, draft: str, target: str) -> bool:
    """Give a finished draft its final name unless that is taken; the draft's name goes.

    NFS: link is exclusive on one common target name, and whole, as the draft is closed already.
    """
    try:
        fs.link(draft, target)
    except FileExistsError:
        # NFS: a lost reply makes our own link come back as "exists".
        entry = fs.lstat(draft)
        won = fs.is_network and entry is not None and entry.links > 1
        discard(fs, draft)
        return won
    discard(fs, draft)
    return True


def move(fs: FileSystem, source: str, target: str) -> bool:
    """Rename whose source name pins the expected state: compare-and-swap by name (I2).

    Returns:
        True when this call moved it, False when the source was not there any more.

    Raises:
        OSError: anything but a missing source; whether the file moved is then unknown.
    """
    try:
        fs.rename(source, target)
    except FileNotFoundError:
        return was_moved(fs, target)
    return True


def was_moved(fs: FileSystem, target: str) -> bool:
    """Whether a rename that found no source was done all the same, its first reply lost."""
    return fs.is_network and is_listed(fs, target)


def is_listed(fs: FileSystem, name: str) -> bool:
    """Whether a name stands in its directory, by listing it anew.

    NFS: a reply can be lost and the repeated rename finds its source gone, although it was done.
    The failed rename may also have left a negative entry for the target; a listing is the truth.
    """
    directory, _, base = name.rpartition("/")
    return base in fs.list(directory)
