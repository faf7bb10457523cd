"""Where carpal keeps what can be fetched or measured again."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import gettempdir

CACHE_VARIABLE = "CARPAL_CACHE"


def default_cache() -> Path:
    """$CARPAL_CACHE, else ~/.cache/carpal, else a folder for temporary files."""
    given = os.environ.get(CACHE_VARIABLE)
    try:
        return Path(given) if given else Path.home() / ".cache" / "carpal"
    except RuntimeError:  # a container may run as a user without a home
        return Path(gettempdir()) / "carpal-cache"
