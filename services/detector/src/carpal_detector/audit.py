"""The audit trail: who asked for what, when, of which model, and how it ended; never a pixel, a name or a tag.

One JSON line a request, appended in one write, so that several processes may share a file. Studies appear as the
SHA-256 of their UID: whoever knows the UID finds its lines, and nobody else learns it from them.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from carpal.records.record import Record


class Audit:
    """Appends to a file.

    Args:
        path: of the file; it is made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def note(
        self,
        *,
        request_id: str,
        tenant: str,
        model: str,
        digest: str,
        code: str,
        reason: str,
        records: Sequence[Record] = (),
    ) -> None:
        """One request has ended.

        Args:
            request_id: of the request.
            tenant: key of the caller, where tenants are told apart.
            model: name in the routes; empty where there is no such model.
            digest: of the package that answered.
            code: HTTP status, or the equal one.
            reason: error code, or ok.
            records: what was said.
        """
        now_s = time.time()
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_s)) + f".{int(now_s % 1 * 1e3):03d}Z",
            "request_id": request_id,
            "tenant": tenant,
            "model": model,
            "digest": digest,
            "code": code,
            "reason": reason,
            "images": [
                {
                    "record": record.id,
                    "source": record.source.digest,
                    "study": _hidden(record.source.study_instance_uid),
                    "findings": len(record.findings),
                }
                for record in records
            ],
        }
        os.write(self._file, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _hidden(uid: str | None) -> str | None:
    return None if uid is None else "sha256:" + hashlib.sha256(uid.encode()).hexdigest()
