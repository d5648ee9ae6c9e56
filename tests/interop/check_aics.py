"""Give claims about a log to aics-tlog; print how many of each kind it accepted. Run by its own Python."""

import json
import sys
from base64 import b64decode

from aics_tlog import parse_note, parse_vkey, verify_checkpoint, verify_consistency, verify_leaf_inclusion
from aics_tlog.tiles import FileSystemTileReader, inclusion_proof_from_tiles, tree_root_from_tiles

accepted = dict.fromkeys(("checkpoints", "inclusions", "consistencies", "tile roots"), 0)
with open(sys.argv[1]) as file:
    for line in file:
        claim = json.loads(line)
        size, root = claim["size"], b64decode(claim["root"])
        result = verify_checkpoint(parse_note(claim["checkpoint"]), parse_vkey(claim["vkey"]))
        accepted["checkpoints"] += result.ok and (result.size, result.root) == (size, root)
        entry, proof = b64decode(claim["entry"]), [b64decode(one) for one in claim["inclusion"]]
        accepted["inclusions"] += verify_leaf_inclusion(entry, claim["index"], size, proof, root)
        proof = [b64decode(one) for one in claim["consistency"]]
        accepted["consistencies"] += verify_consistency(
            claim["earlier"], size, b64decode(claim["earlier_root"]), root, proof
        )
        if claim["folder"]:
            reader = FileSystemTileReader(claim["folder"])
            made = inclusion_proof_from_tiles(reader, claim["index"], size)
            assert made == [b64decode(one) for one in claim["inclusion"]]
            accepted["tile roots"] += tree_root_from_tiles(reader, size) == root
print(json.dumps(accepted))
