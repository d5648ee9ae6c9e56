"""How large a photograph may be: one number each, for every door, every worker and every sentence."""

from __future__ import annotations

PHOTOGRAPH_MB_MAX = 32
PHOTOGRAPH_BYTES_MAX = PHOTOGRAPH_MB_MAX * 1024 * 1024
MEGAPIXELS_MAX = 50
PIXELS_MAX = MEGAPIXELS_MAX * 1_000_000
