"""A directory to measure in, that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def scratch_directory(parent: str) -> Iterator[str]:
    """A new directory under `parent`, removed with all that is in it at the end.

    Raises:
        OSError: `parent` is missing, or nothing can be made there.
    """
    try:
        folder = tempfile.mkdtemp(prefix="spoolq-bench-", dir=parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, parent) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
