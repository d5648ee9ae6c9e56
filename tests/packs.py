"""A second model pack: the one that ships with another parameter, and so of another contract."""

import json
import shutil
from pathlib import Path

from lineament.vision.pack import DEFAULT_PACK, load_pack


def another_pack(folder: Path, name: str = "keen", calibrated: bool = True) -> Path:
    """Fill a folder with a pack that finds the same faces at a lower threshold."""
    shutil.copytree(DEFAULT_PACK, folder)
    rewrite(folder, 'name = "default"', f'name = "{name}"')
    rewrite(folder, "score_threshold = 0.6", "score_threshold = 0.55")
    if calibrated:
        tail = json.loads((folder / "tail.json").read_bytes()) | {"contract": load_pack(folder).contract}
        (folder / "tail.json").write_text(json.dumps(tail))
    else:
        (folder / "tail.json").unlink()
    return folder


def rewrite(folder: Path, old: str, new: str) -> None:
    """Put other words into a pack's description."""
    file = folder / "pack.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
