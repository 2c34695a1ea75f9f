"""What can go wrong unexpectedly, as one tree.

Expected outcomes (a 404, a consent wall, a feed that is not XML) are values in `ingest.model`.

    StorywatchError
    ├── UsageError              exit code 2: the caller can mend it
    │   ├── ConfigError         names the file, the key and what to do
    │   ├── SeedError           names the seed file
    │   └── BadURLError         names the URL
    └── OperationError          exit code 1
        ├── SourceError         a source of a backfill can't be read on for now
        ├── StorageError        the database refused, is locked, is full
        │   └── SchemaError     the database is not at the schema this program needs
        ├── AlreadyRunningError another daemon holds the lock of this database
        ├── LockLostError       the daemon's own lock is lost: another may be writing
        ├── WorkerError         a worker process died or overran its time
        ├── EngineError         the cluster that the work is given to is lost or unfit
        └── PlatformError       a library of this machine is too old to be safe
"""


class StorywatchError(Exception):
    """Base of everything this program raises on purpose."""

    exit_code = 1


class UsageError(StorywatchError):
    """The command, a file or a value given by the caller is wrong."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file, environment variable or flag is wrong."""


class SeedError(UsageError):
    """A seed file is missing, unreadable or too short to compare with."""


class BadURLError(UsageError):
    """A string is not a URL this program can use."""


class OperationError(StorywatchError):
    """The work itself failed."""


class SourceError(OperationError):
    """A source of a backfill can't be read on for now; what was read is written."""


class StorageError(OperationError):
    """The database refused an operation."""


class SchemaError(StorageError):
    """The database is not at the schema this program needs."""


class AlreadyRunningError(OperationError):
    """Another daemon already works on this database."""


class LockLostError(OperationError):
    """This daemon's lock is lost; no StorageError, for nothing that it does may go on."""


class WorkerError(OperationError):
    """A worker process died or overran its time."""


class EngineError(OperationError):
    """There is nothing to run the work on; it says nothing of the page that it was about."""


class PlatformError(OperationError):
    """A library under this program is too old to meet the network with."""
