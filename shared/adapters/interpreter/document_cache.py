"""Loaded documents, shared by the sessions of one process.

A campaign calls thousands of people with the same documents; reading one costs more than running it. The key
is the content itself, so there is nothing to expire and nothing can be stale: how long a document may be kept
is for the fetcher to know.
"""

from collections import OrderedDict
from hashlib import blake2b

from shared.voicexml.loader import load
from shared.voicexml.model import Document

#: Of source text. A loaded document takes some twenty times that, so this is about 80 MiB at most.
MAX_SOURCE_BYTES = 4 * 1024 * 1024


class DocumentCache:
    """The most recently used documents."""

    def __init__(self, max_source_bytes: int = MAX_SOURCE_BYTES) -> None:
        self._max_source_bytes = max_source_bytes
        self._documents: OrderedDict[tuple[str, bytes], tuple[Document, int]] = OrderedDict()
        self._source_bytes = 0

    def load(self, body: bytes, url: str) -> Document:
        """Read a document, or find it; raises DocumentInvalid as `loader.load` does."""
        key = (url, blake2b(body, digest_size=16).digest())
        if key in self._documents:
            self._documents.move_to_end(key)
            return self._documents[key][0]
        document = load(body, url)
        self._documents[key] = document, len(body)
        self._source_bytes += len(body)
        while self._source_bytes > self._max_source_bytes:
            _, (_, size) = self._documents.popitem(last=False)
            self._source_bytes -= size
        return document
