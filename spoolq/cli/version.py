"""Which version this is; read only when asked for."""

from __future__ import annotations

from pathlib import Path


def version() -> str:
    """The version in a checkout's setup.cfg, else of the installed package."""
    checkout = Path(__file__).resolve().parents[2] / "setup.cfg"
    return _from_setup(checkout) or _installed()


def _from_setup(setup: Path) -> str | None:
    import configparser

    found = configparser.ConfigParser(interpolation=None)
    try:
        found.read(setup, encoding="utf-8")
    except (OSError, ValueError, configparser.Error):
        return None
    if found.get("metadata", "name", fallback=None) != "spoolq":
        return None
    return found.get("metadata", "version", fallback=None)


def _installed() -> str:
    from importlib import metadata

    try:
        return metadata.version("spoolq")
    except metadata.PackageNotFoundError:
        return "(unknown version)"
