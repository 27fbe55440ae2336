"""Object stores as fsspec has them: their names, their file systems, and what they raise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobs.settings import StoreError
from zoo.errors import ZooError
from zoo.fetching.download import filesystem_of
from zoo.fetching.stream import redact


def is_store(output: str) -> bool:
    """Whether an output is the URL of an object store, and no folder."""
    return "://" in output and not output.startswith(("file://", "local://"))


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Turn whatever a store's library raises into an error that names the store.

    Raises:
        StoreError: always instead of anything else that is not an error of ours.
    """
    try:
        yield
    except ZooError:
        raise
    except ImportError as error:
        raise StoreError(f"{redact(url)}: this store needs another package: {error}") from error
    except Exception as error:  # it may be anything: each library has its own, and not all are OSErrors
        words = redact(str(error))[:300] or type(error).__name__
        raise StoreError(f"{redact(url)}: {type(error).__name__}: {words}") from error


def reach(url: str) -> tuple[Any, str]:
    """The file system of a store and the path there; what it lists is asked for each time."""
    filesystem, root = filesystem_of(url, use_listings_cache=False)
    return filesystem, root.rstrip("/")
