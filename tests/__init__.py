"""Ours, and not the package `tests` that a library (ciw) installs: processes that tests spawn import from here."""
