"""carpal serve as carpal tune sets it up on this machine: engine, precision, threads and streams of a profile."""

from __future__ import annotations

import os

from peer_carpal import main
from work import MODEL, PACKAGE, PROFILE

main(model=os.environ[PACKAGE], model_name=MODEL, profile=os.environ[PROFILE])
