"""Texts of strangers in messages: as much as helps to find a mistake, and never a whole image."""

from __future__ import annotations


def excerpt(text: str, most: int = 40) -> str:
    """The text, or its beginning and its length.

    Args:
        text: of any length.
        most: characters of the text to keep.
    """
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
