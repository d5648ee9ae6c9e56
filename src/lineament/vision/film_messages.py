"""What ``film.py`` and its worker say to each other: the limits, and the form of an answer.

For every frame that it decodes the worker writes a MESSAGE: the frame was passed over, or was chosen and its
JPEG file follows. The last message says how the film ended.
"""

from __future__ import annotations

import struct

from lineament.limits import PHOTOGRAPH_BYTES_MAX, PIXELS_MAX

MESSAGE = struct.Struct(">BdI")  # kind, seconds from the film's beginning, bytes that follow

# kinds
PASSED, CHOSEN, END, NOT_A_FILM, NO_PICTURES, DAMAGED, TOO_LARGE, TOO_LONG, STOPPED = range(9)

MAX_PIXELS = PIXELS_MAX  # of a frame, as of a photograph
MAX_SECONDS = 12 * 3600.0
MAX_DECODED = 3_000_000  # twelve hours at 60 frames a second, and some
MAX_CHOSEN = 100_000  # one a second of twelve hours, and as many changes of scene
MAX_FRAME_BYTES = PHOTOGRAPH_BYTES_MAX  # as of a photograph
