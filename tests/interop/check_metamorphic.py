"""Give claims about a log to metamorphic-log; print how many of each kind it accepted."""

import json
import sys
from base64 import b64decode
from contextlib import suppress
from hashlib import sha256

import metamorphic_log as ml

accepted = dict.fromkeys(("checkpoints", "inclusions", "consistencies"), 0)
with open(sys.argv[1]) as file:
    for line in file:
        claim = json.loads(line)
        size, root = claim["size"], b64decode(claim["root"])
        with suppress(ml.VerifyError):
            head = ml.checkpoint_verify(claim["checkpoint"], [claim["vkey"]])
            accepted["checkpoints"] += (head.size, head.root) == (size, root)
        leaf = sha256(b"\x00" + b64decode(claim["entry"])).digest()
        with suppress(ml.VerifyError):
            proof = [b64decode(one) for one in claim["inclusion"]]
            ml.verify_inclusion(claim["index"], size, leaf, proof, root)
            accepted["inclusions"] += 1
        with suppress(ml.VerifyError):
            proof = [b64decode(one) for one in claim["consistency"]]
            ml.verify_consistency(claim["earlier"], size, proof, b64decode(claim["earlier_root"]), root)
            accepted["consistencies"] += 1
print(json.dumps(accepted))
