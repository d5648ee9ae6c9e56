"""Check a log, and what it proves, from the outside.

    verify FILE   a receipt, a bundle, or a checkpoint that you kept
    fsck LOG      a whole log, in a folder or at a web address

Each prints its steps as they pass, and the first that does not. The keys that you trust must have come to you
by another way than the file or the log.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .errors import LedgerError
from .fsck import fsck
from .note import Verifier
from .places import log_at, read_whole
from .verify import Steps, key_of, verify
from .witness_policy import WitnessPolicy

FAILED = 1  # the exit code for a check that did not pass; argparse's for wrong words is 2


def main() -> int:
    """Run one check; return 0, or 1 after the first step that failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    trust = argparse.ArgumentParser(add_help=False)
    trust.add_argument("--vkey", help="the log's public key, one line name+8 hex digits+base64")
    trust.add_argument("--policy", type=Path, help="a file of c2sp.org/tlog-policy: logs, witnesses, quorum")
    checks = parser.add_subparsers(dest="check", required=True)
    one = checks.add_parser("verify", parents=[trust], help="check a receipt, a bundle or a kept checkpoint")
    one.add_argument("file", type=Path)
    one.add_argument("--log", help="also see that the log in this folder or at this address goes on from it")
    whole = checks.add_parser("fsck", parents=[trust], help="derive every tile and the root of a log again")
    whole.add_argument("log", help="the log's folder or web address")
    given = parser.parse_args()
    if not given.vkey and not given.policy:
        parser.error("give the log's key with --vkey, or a policy that holds it with --policy")

    steps = Steps(print)
    try:
        policy = (
            WitnessPolicy.parse(read_whole(given.policy)) if given.policy else WitnessPolicy.of_log_alone()
        )
        if given.vkey:
            policy.trust(Verifier.from_vkey(given.vkey))
        log = log_at(given.log) if given.log else None
        if given.check == "verify":
            verify(read_whole(given.file), policy, log, steps)
        elif log:
            fsck(log, key_of(log, policy), None, steps, policy)
    except LedgerError as error:
        print(f"{steps.number}. FAILED: {error.diagnostics()}")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
