"""Ours, and not the package of the same name that a library (ciw) installs: processes that tests spawn import from here."""
