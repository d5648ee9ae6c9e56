"""Which engine holds the index: LINEAMENT_INDEX names one, or is the address of one that runs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lineament.errors import IndexUnavailable

if TYPE_CHECKING:
    from lineament.index.protocol import Index

EMBEDDED, FAISS, CUDA = "embedded", "faiss", "cuda"
POSTGRESQL, MILVUS, MILVUS_TLS = "postgresql://", "milvus://", "milvus+https://"


def is_engine(where: str) -> bool:
    """Say whether this names an engine, or is the address of one."""
    return where in {EMBEDDED, FAISS, CUDA} or where.startswith((POSTGRESQL, MILVUS, MILVUS_TLS))


def open_index(where: str, folder: Path, contract: str, dimension: int, key: bytes) -> Index:
    """Open the index of one contract.

    ``folder`` is where the embedded engine keeps its files, and ``key`` (32 bytes) seals them. The others
    keep no file here: what a server stores, that server encrypts.

    Raises IndexUnavailable where the engine does not answer or its library is not installed, and OSError.
    """
    try:
        if where == CUDA:
            from lineament.index.gpu import GpuIndex

            return GpuIndex(dimension)
        if where.startswith(POSTGRESQL):
            from lineament.index.postgres import open_postgres

            return open_postgres(where, contract, dimension)
        if where.startswith((MILVUS, MILVUS_TLS)):
            from lineament.index.milvus import open_milvus

            url = where.replace(MILVUS_TLS, "https://").replace(MILVUS, "http://")
            return open_milvus(url, contract, dimension)
        from lineament.index.embedded import EmbeddedIndex

        if where == FAISS:
            from lineament.index.faiss_codes import FaissCodes

            return EmbeddedIndex(folder, contract, dimension, key, FaissCodes)
        return EmbeddedIndex(folder, contract, dimension, key)
    except ImportError as error:
        extra = {"faiss": "faiss", "psycopg": "postgres", "pymilvus": "milvus"}.get(str(error.name))
        raise IndexUnavailable(
            f"This index needs '{error.name}', which is not installed: `pip install 'lineament[{extra}]'`."
        ) from error
