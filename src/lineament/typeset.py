"""Documents as PDF, set by typst: offline, in the fonts that it brings, and the same bytes each time."""

from __future__ import annotations

import typst


def pdf(template: bytes, **inputs: str) -> bytes:
    """Return a typst template as a PDF that can be read aloud (PDF/UA-1).

    The template reads the ``inputs`` as ``sys.inputs``. Raises typst's own error for a template that is none.
    """
    made = typst.compile(
        template, format="pdf", sys_inputs=inputs, ignore_system_fonts=True, pdf_standards="ua-1"
    )
    if not isinstance(made, bytes):
        raise TypeError("typst made more than one file")
    return made
