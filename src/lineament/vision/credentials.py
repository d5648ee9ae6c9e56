"""Content credentials: what a photograph's file says of who made and changed it, and signs (C2PA).

Only what the file says is told. A valid signature means that the file is as it was when it was signed, and no
more: who the signer is was not checked against a list of trusted ones.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.util import find_spec

from lineament.vision.decode import WALL_SECONDS
from lineament.vision.limited import LimitedProcess, LimitedProcessError, receive_texts, worker_command
from lineament.vision.texts import SIZE

CREDENTIAL_NAMES = frozenset(
    {"validation", "signer", "signed", "claim_generator", "title", "actions", "digital_source_type"}
)
_NOT_READABLE = {"c2pa:validation": "not readable"}


def read_credentials(data: bytes, media_type: str) -> Mapping[str, str]:
    """Return what an image file's credentials say, by names such as ``c2pa:signer``; {} where it has none.

    {} too where the extra 'credentials' is not installed. The file is read by a limited process of its own,
    that is started for files with credentials only; nothing is fetched from anywhere. Credentials that cannot
    be read say so, and nothing else. Raises DecoderUnavailable where the process does not start.
    """
    if b"c2pa" not in data or b"jumb" not in data or find_spec("c2pa") is None:
        return {}
    process = LimitedProcess(
        worker_command("lineament.vision.credentials_worker", media_type), "content credentials"
    )
    deadline = time.monotonic() + WALL_SECONDS
    try:
        process.send(SIZE.pack(len(data)), deadline)
        process.send(data, deadline)
        texts = receive_texts(process, CREDENTIAL_NAMES, deadline)
    except LimitedProcessError:
        return _NOT_READABLE
    finally:
        process.kill()
    return {f"c2pa:{name}": text for name, text in texts.items()}
