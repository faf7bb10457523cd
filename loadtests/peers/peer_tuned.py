"""carpal serve as people start it, with what carpal tune found here: engine, precision, threads, streams."""

from __future__ import annotations

import os

from peer_carpal import main
from work import PACKAGE, PROFILE

main(model=os.environ[PACKAGE], profile=os.environ[PROFILE], isolate=True)
