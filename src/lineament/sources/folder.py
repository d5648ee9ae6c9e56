"""A folder of photographs of which nothing is known but where they lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path

from lineament.core.words import is_plain, plain
from lineament.errors import FileMissing
from lineament.sources.files import is_inside, read_file
from lineament.sources.protocol import Item, Unreadable


class FolderSource:
    """Every file below a folder, hidden ones left out, in the order of their paths. No source links."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def size(self) -> int:
        """How many files there are, and folders that cannot be read."""
        return sum(1 for _ in self._walk())

    def __iter__(self) -> Iterator[Item | Unreadable]:
        root = self._folder.resolve()
        for path, is_closed in self._walk():
            name = path.relative_to(self._folder).as_posix()
            if is_closed:
                yield Unreadable(plain(name), FileMissing("This folder cannot be read."))
            elif not is_plain(name):
                yield Unreadable(plain(name), FileMissing("The file's name is not plain text; rename it."))
            elif not is_inside(path, root):
                yield Unreadable(name, FileMissing(f"'{name}' is a link that leads out of the folder."))
            else:
                yield Item(path=name, read=partial(read_file, path, name), place=path)

    def _walk(self) -> Iterator[tuple[Path, bool]]:
        """Yield every file, and every folder that cannot be read, with whether it is such a one."""
        waiting = [(str(self._folder), True)]
        while waiting:
            path, is_folder = waiting.pop()
            if not is_folder:
                yield Path(path), False
                continue
            try:
                with os.scandir(path) as entries:
                    shown = [one for one in entries if not one.name.startswith(".")]
                    inside = [(one.path, one.is_dir(follow_symlinks=False)) for one in shown]
            except OSError:
                yield Path(path), True
            else:
                waiting += sorted(inside, reverse=True)  # the first one is taken first
