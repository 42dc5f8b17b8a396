"""Client of Backstay: snapshots of directories, durable checkpoints of jobs, a checkpointer for LangGraph.

`Backstay` is the synchronous client and `AsyncBackstay` the asynchronous one; they have the same methods. Errors are in
`backstay.errors`, what the server answers in `backstay.models`.
"""

from backstay._async.client import AsyncBackstay
from backstay._sync.client import Backstay
from backstay._version import VERSION as __version__
from backstay.errors import ApiError, BackstayError, TransportError
from backstay.retry import NO_RETRIES, RetryPolicy

__all__ = [
    "NO_RETRIES",
    "ApiError",
    "AsyncBackstay",
    "Backstay",
    "BackstayError",
    "RetryPolicy",
    "TransportError",
    "__version__",
]
