"""The audit trail: who asked for what, when, of which model, and how it ended; never a pixel, a name or a tag.

One JSON line a request, appended in one write, so that several processes may share a file. Studies appear as the
SHA-256 of their UID: whoever knows the UID finds its lines, and nobody else learns it from them.

A line that cannot be written, because the disk is full for one, fails no request: it is counted, and said once until
lines are written again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from carpal.records.record import Record


class Audit:
    """Appends to a file.

    Args:
        path: of the file; it is made where it is not there.
        lost: is told of every line that is not written: why, and whether the one before was not either.
    """

    def __init__(self, path: Path, lost: Callable[[OSError, bool], None]) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._lost = lost
        self._losing = False
        self._torn = False

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
        self._write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def _write(self, line: bytes) -> None:
        whole = b"\n" + line if self._torn else line
        try:
            written = os.write(self._file, whole)
            self._torn = written < len(whole)
            if self._torn:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as failure:
            self._lost(failure, self._losing)
            self._losing = True
        else:
            self._losing = False

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _hidden(uid: str | None) -> str | None:
    return None if uid is None else "sha256:" + hashlib.sha256(uid.encode()).hexdigest()
