"""The limited process that reads the content credentials of one file.

``credentials.py`` starts it with the file's media type and sends a SIZE and the file. It answers with texts,
as ``texts.py`` packs them, and before them a LENGTH.
"""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import c2pa

from lineament.vision.decode_sandbox import CPU_SECONDS, NO_SECCOMP, Calls, confine
from lineament.vision.texts import LENGTH, SIZE, packed

MEMORY_BYTES = 2_000_000_000  # of address space

# Before it hashes, the library asks how many processors there are, and then in which group it runs.
CALLS: Calls = {"sched_getaffinity": (204, 123)}
REFUSED: Calls = {"openat": (257, 56)}

# Nothing is fetched, whatever a file asks for; no list of signers is kept here, so none is asked for trust.
_SETTINGS = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False}}


def main() -> None:
    """Limit this process, then read one file's credentials."""
    context = c2pa.Context.from_dict(_SETTINGS)
    c2pa.Stream(io.BytesIO()).close()  # the first one opens files, to see how callbacks are made here
    ready = confine(MEMORY_BYTES, CALLS, REFUSED)
    sys.stdout.buffer.write(ready)
    sys.stdout.buffer.flush()
    if ready == NO_SECCOMP:
        return
    (size,) = SIZE.unpack(sys.stdin.buffer.read(SIZE.size))
    data = sys.stdin.buffer.read(size)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # SIGPROF ends the process
    texts = packed(_read(data, sys.argv[1], context))
    sys.stdout.buffer.write(LENGTH.pack(len(texts)) + texts)
    sys.stdout.buffer.flush()


def _read(data: bytes, media_type: str, context: c2pa.Context) -> dict[str, str]:
    try:
        with c2pa.Reader(media_type, io.BytesIO(data), context=context) as reader:
            store = json.loads(reader.json())
        return dict(_told(store["manifests"][store["active_manifest"]], store))
    except c2pa.C2paError.ManifestNotFound:
        return {}
    except Exception:  # what is in the file has no shape that can be relied on
        return {"validation": "not readable"}


def _told(manifest: Mapping[str, Any], store: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the active manifest says of the file, by the names of ``credentials.py``."""
    failures = store.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    codes = ", ".join(dict.fromkeys(str(one["code"]) for one in failures))
    state = str(store.get("validation_state", "")).lower()
    yield "validation", f"{state}{f' ({codes})' if codes else ''}; not checked against a trust list"
    signature = manifest.get("signature_info", {})
    yield "signer", ", ".join(str(signature[key]) for key in ("common_name", "issuer") if signature.get(key))
    yield "signed", str(signature.get("time") or "")
    generators = manifest.get("claim_generator_info") or [{"name": manifest.get("claim_generator", "")}]
    yield "claim_generator", " ".join(str(generators[0].get(key, "")) for key in ("name", "version"))
    yield "title", str(manifest.get("title") or "")
    actions = [
        action
        for assertion in manifest.get("assertions", [])
        if str(assertion["label"]).startswith("c2pa.actions")
        for action in assertion["data"]["actions"]
    ]
    yield "actions", ", ".join(str(action["action"]) for action in actions)
    kinds = dict.fromkeys(str(action.get("digitalSourceType") or "") for action in actions)
    yield "digital_source_type", ", ".join(filter(None, kinds))


if __name__ == "__main__":
    main()
