"""What the fork server imports, so that the workers it forks begin with all models loaded.

The one module that works at its import: nothing else of ours runs in a fork server. A worker is
there in milliseconds then instead of two seconds, and all of them share the models' memory.
"""

from __future__ import annotations

import gc
from contextlib import suppress

from ingest.work import warm_up

with suppress(Exception):  # a worker that lacks something says so itself, with the first page
    warm_up()
gc.collect()
gc.freeze()  # else the collector writes into pages that are shared
