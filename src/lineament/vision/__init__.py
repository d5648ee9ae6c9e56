"""The room that turns a photograph into faces and templates; ``pipeline.Vision`` is its door.

This file stays empty of imports, so that a light caller never loads a model runtime.
"""
