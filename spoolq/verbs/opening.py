"""Making a spool, and opening one: is it there, ours to trust, and of a format we read?"""

from __future__ import annotations

from spoolq.disk import identity, mounts
from spoolq.disk.atomic import place_whole, write_new
from spoolq.disk.chance import random_text
from spoolq.disk.clock import STAMP_LASTS_SECONDS, ServerClock
from spoolq.disk.filesystem import FileSystem, Foreign, OsFileSystem
from spoolq.disk.weather import PatientFileSystem
from spoolq.errors import (
    InvalidSetting,
    SpoolDamaged,
    SpoolExists,
    SpoolNotFound,
    SpoolUnsafe,
    SpoolUntrusted,
    SpoolVersionUnsupported,
)
from spoolq.rules import flat, layout, records, settings
from spoolq.verbs.context import OpenSpool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from spoolq.disk.filesystem import Entry
    from spoolq.rules.settings import Settings


_PARENT = ".."


def create(path: str, values: dict[str, object], fs: FileSystem | None = None) -> None:
    """Make the directories of a spool; it exists once its spool.json stands there, whole.

    Raises:
        InvalidSetting: a setting that makes no sense; nothing was made.
        SpoolExists: there is a spool already, or a directory that holds something else.
        SpoolUnsafe: a mount that spoolq does not work on; nothing was made.
        OSError: the file system refused.
    """
    chosen = settings.checked(values)
    if fs is None:
        _check_mount(path, mounts.mount_at(path))
        fs = OsFileSystem(path, group=chosen.group)
    _make_root(fs, path)
    for directory in layout.DIRECTORIES:
        _make_inside(fs, path, directory)
    # CRASH: the directories first, for a power loss could keep a spool.json without them.
    for directory in (layout.SYS, ""):
        fs.sync_directory(directory)
    draft = f"{layout.TMP}/{random_text()}.record"
    # CRASH: synced at every durability: a torn spool.json would be no spool, mended by hand.
    write_new(fs, ServerClock(fs), draft, settings.to_text(chosen), sync=True)
    if not place_whole(fs, draft, layout.SETTINGS):
        raise SpoolExists(path, "there is a spool already")
    fs.sync_directory("")
    try:
        fs.sync_directory(_PARENT)
    except PermissionError:
        pass  # a directory above that may be passed through, not read


def _make_inside(fs: FileSystem, path: str, directory: str) -> None:
    try:
        fs.mkdir(directory)
    except FileExistsError:
        # CRASH: an earlier init died on the way; or another one is under way.
        found = fs.lstat(directory)
        if found is None or found.kind != "directory":
            raise SpoolExists(path, f"'{directory}' in it is in the way") from None


def _make_root(fs: FileSystem, path: str) -> None:
    try:
        fs.mkdir("")
    except FileExistsError:
        found = fs.lstat("")
        if found is None or found.kind not in {"directory", "link"}:
            raise SpoolExists(path, "not a directory") from None
        try:
            listed = fs.list("")
        except NotADirectoryError:
            raise SpoolExists(path, "not a directory") from None
        if layout.SETTINGS in listed:
            raise SpoolExists(path, "there is a spool already") from None
        if set(listed) - set(layout.DIRECTORIES):
            raise SpoolExists(path, "the directory is not empty, and not a spool") from None
        fs.adopt_root()


def open_spool(path: str, owner: str | None, fs: FileSystem | None = None) -> OpenSpool:
    """Open the spool at an absolute path.

    Raises:
        SpoolNotFound, SpoolDamaged, SpoolVersionUnsupported, SpoolUntrusted, SpoolUnsafe: as
            they say.
        OSError: the file system refused.
    """
    plain: FileSystem = fs or OsFileSystem(path)
    found = _read_settings(plain, path)
    stamps_last_seconds = 0.0
    if not identity.trusts_everything():
        _check_trust(plain, path, found)
    if fs is None:
        mount = mounts.mount_at(path)
        _check_mount(path, mount)
        plain = _filesystem(path, found, mount)
        stamps_last_seconds = 0.0 if plain.is_network else STAMP_LASTS_SECONDS
    clock = ServerClock(plain, stamps_last_seconds=stamps_last_seconds)
    host = identity.host_name()
    return OpenSpool(plain, clock, found, owner or default_owner(), host, identity.process_id)


def open_untrusted(path: str) -> OpenSpool:
    """As `open_spool`, for looking only: whoever owns it, whatever its directories look like."""
    plain = OsFileSystem(path)
    fs = _filesystem(path, _read_settings(plain, path), mounts.mount_at(path))
    found = _read_settings(fs, path)
    host = identity.host_name()
    return OpenSpool(fs, ServerClock(fs), found, default_owner(), host, identity.process_id)


def default_owner() -> str:
    """`<host>-<pid>`: who holds a lease, unless the caller names itself."""
    return f"{identity.host_name()}-{identity.process_id()}"


def _filesystem(path: str, found: Settings, mount: mounts.Mount) -> FileSystem:
    plain = OsFileSystem(path, group=found.group, is_network=mount.is_network, is_nfs=mount.is_nfs)
    return PatientFileSystem(plain) if mount.is_network else plain


def _check_mount(path: str, mount: mounts.Mount) -> None:
    """Refuse soft NFS mounts.

    NFS: they report an error when the server is silent for a while, but the request may still be
    carried out, long after its caller has decided what to do about the error.
    """
    if mount.gives_up and not mounts.allows_soft():
        raise SpoolUnsafe(
            path,
            f"{mount.point} is a soft NFS mount, which may lose or delay what it was told; "
            "mount it hard, or set SPOOLQ_ALLOW_SOFT=1 to use it all the same",
        )


def _read_settings(fs: FileSystem, path: str) -> Settings:
    try:
        data = fs.read_record(layout.SETTINGS, records.MAX_RECORD_BYTES)
    except FileNotFoundError:
        raise SpoolNotFound(path, _why_not_found(fs)) from None
    except NotADirectoryError:
        raise SpoolNotFound(path, "not a directory") from None
    except Foreign as error:
        raise SpoolDamaged(f"{path}/{layout.SETTINGS}", error.reason) from None
    return _parse_settings(f"{path}/{layout.SETTINGS}", data)


def _why_not_found(fs: FileSystem) -> str:
    if fs.lstat("") is None:
        return "no such directory; 'spoolq init' makes a spool"
    return "no spool here (no spool.json); 'spoolq init' makes one"


def _parse_settings(path: str, data: bytes) -> Settings:
    found: Any = flat.parse(data)
    if found is None:
        found = _parse_json(path, data)
    version = found.get("format") if isinstance(found, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise SpoolDamaged(path, "no format number")
    if version > layout.FORMAT:
        text = (
            f"format {version} is newer than this release reads ({layout.FORMAT}); upgrade spoolq"
        )
        raise SpoolVersionUnsupported(path, text)
    try:
        return settings.from_mapping(found)
    except InvalidSetting as error:
        raise SpoolDamaged(path, str(error)) from None


def _parse_json(path: str, data: bytes) -> Any:
    import json  # noqa: PLC0415 - only a spool.json that was written by hand needs it

    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SpoolDamaged(path, f"not JSON: {error}") from None


def _check_trust(fs: FileSystem, path: str, found: Settings) -> None:
    """Refuse a directory that strangers could have written; whoever may write may run commands."""
    entry = fs.lstat(".")
    if entry is None or entry.kind != "directory":
        raise SpoolNotFound(path, "not a directory")
    _check_mode(path, entry, found)
    for directory in (layout.READY, layout.LEASED, layout.TMP):
        inner = fs.lstat(directory)
        if inner is None or inner.kind != "directory":
            raise SpoolDamaged(f"{path}/{directory}", "missing, or not a directory")
        _check_mode(f"{path}/{directory}", inner, found)


def _check_mode(path: str, entry: Entry, found: Settings) -> None:
    if not identity.may_trust_owner(entry.uid, entry.gid, group=found.group):
        raise SpoolUntrusted(
            path,
            f"owned by another user (uid {entry.uid}); share a group spool (init --group), "
            "or set SPOOLQ_TRUST=1 if you trust them",
        )
    if entry.mode & 0o002 and not found.allow_others:
        raise SpoolUntrusted(
            path, "everybody may write here; chmod o-w, or set allow_others in its spool.json"
        )
