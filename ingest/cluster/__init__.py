"""The pages read by a Dask cluster: the client, what its workers do, and such a worker."""

from __future__ import annotations

from importlib.util import find_spec

from ingest.errors import UsageError


def require_dask() -> None:
    """Raise UsageError when Dask is not installed: most people read pages on one machine."""
    if find_spec("distributed") is None:
        raise UsageError("a cluster needs Dask: pip install 'storywatch[dask]'")
