"""The work itself: what is to be computed about one file. Knows nothing of spoolq.

The same function computes a worker's result and the sequential one it is compared with.
"""

from __future__ import annotations

import ast
import hashlib
import os
import warnings
from typing import Any

LARGEST_PARSED_BYTES = 4 * 1024 * 1024


def of(path: bytes) -> dict[str, Any]:
    """SHA-256, bytes, lines, and statistics of the syntax tree; or why the file cannot be read."""
    try:
        with open(path, "rb") as file:
            modified_ns = os.fstat(file.fileno()).st_mtime_ns
            digest, size, lines, start = hashlib.sha256(), 0, 0, b""
            while block := file.read(1024 * 1024):
                digest.update(block)
                size += len(block)
                lines += block.count(b"\n")
                if len(start) <= LARGEST_PARSED_BYTES:
                    start += block
    except OSError as error:
        return {"unreadable": error.strerror}
    is_parsed = path.endswith(b".py") and size <= LARGEST_PARSED_BYTES
    return {
        "sha256": digest.hexdigest(),
        "bytes": size,
        "lines": lines,
        "modified_ns": modified_ns,
        "tree": _tree(start) if is_parsed else None,
    }


def _tree(source: bytes) -> dict[str, int] | None:
    """Counts from the syntax tree; None for what Python cannot parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    counts = {"nodes": 0, "functions": 0, "classes": 0, "imports": 0}
    for node in ast.walk(tree):
        counts["nodes"] += 1
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            counts["functions"] += 1
        elif isinstance(node, ast.ClassDef):
            counts["classes"] += 1
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            counts["imports"] += 1
    return counts
