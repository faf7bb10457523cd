"""The few things that a repository, and a copy of a run, ask of an S3 bucket, with its failures as typed errors.

Every write of a repository is conditional: an object is made only where there is none, or replaced only where it is
still the one that was read.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from carpal.packages import disk
from carpal.packages.errors import (
    AccessDeniedError,
    BucketMissingError,
    LocationUnsupportedError,
    NoCredentialsFoundError,
    UnreachableError,
)

_LOST = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_ABSENT = {"NoSuchKey", "404", "NotFound"}
_DENIED = {
    "AccessDenied",
    "403",
    "Forbidden",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
}


@dataclass(frozen=True)
class Body:
    """The content of an object, and the tag that changes with it."""

    content: bytes
    etag: str


class Bucket:
    """A bucket, through a boto3 client.

    Args:
        client: of boto3; safe to share between threads.
        name: of the bucket.
    """

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name

    def sizes(self, prefix: str) -> dict[str, int]:
        """Size in bytes of each object whose key starts with a prefix, by key."""
        with self._errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", ())}

    def read(self, key: str) -> Body | None:
        """A small object, or None where there is none."""
        try:
            with self._errors():
                answer = self._client.get_object(Bucket=self.name, Key=key)
                return Body(answer["Body"].read(), answer["ETag"])
        except _AbsentError:
            return None

    def download(self, key: str, target: Path) -> None:
        """Write an object to a new file, flushed to the disk.

        Raises:
            FileNotFoundError: there is no such object.
        """
        try:
            with self._errors():
                stream = self._client.get_object(Bucket=self.name, Key=key)["Body"]
                with target.open("xb") as writer:
                    for chunk in stream.iter_chunks(disk.CHUNK_BYTES):
                        writer.write(chunk)
                    writer.flush()
                    os.fsync(writer.fileno())
        except _AbsentError as failure:
            raise FileNotFoundError(key) from failure

    def create(self, key: str, source: Path) -> bool:
        """Upload a file where there is no object yet; says whether it was done. The store checks the digest."""
        digest = base64.b64encode(bytes.fromhex(disk.sha256_of(source))).decode()
        try:
            with source.open("rb") as body:
                return self._put(Key=key, Body=body, ChecksumSHA256=digest, IfNoneMatch="*")
        except _SentTwiceError:
            return False  # it may be ours; the caller compares

    def put(self, key: str, source: Path) -> None:
        """Upload a file, whatever was there before. The store checks the digest."""
        digest = base64.b64encode(bytes.fromhex(disk.sha256_of(source))).decode()
        with source.open("rb") as body:
            self._put(Key=key, Body=body, ChecksumSHA256=digest)

    def replace(self, key: str, content: bytes, before: Body | None) -> bool:
        """Put small content where the object is still the one that was read, or still absent; says whether it was done.

        Where an answer was lost and the request sent again, the second one meets what the first one wrote. That is
        told from a lost race by reading it back.
        """
        condition = {"IfNoneMatch": "*"} if before is None else {"IfMatch": before.etag}
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        try:
            return self._put(Key=key, Body=content, ChecksumSHA256=digest, **condition)
        except _SentTwiceError:
            found = self.read(key)
            return found is not None and found.content == content

    def _put(self, **arguments: Any) -> bool:
        try:
            with self._errors():
                self._client.put_object(Bucket=self.name, **arguments)
        except (_LostError, _AbsentError):  # absent: another one removed what we meant to replace
            return False
        return True

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except ClientError as failure:
            raise self._said(failure) from failure
        except (
            NoCredentialsError,
            PartialCredentialsError,
            CredentialRetrievalError,
            TokenRetrievalError,
        ) as failure:
            raise no_credentials(failure) from failure
        except ParamValidationError as failure:
            raise LocationUnsupportedError(
                f"{self.name!r} is no name of a bucket", str(failure)[:200], "Give s3://bucket/prefix."
            ) from failure
        except BotoCoreError as failure:
            raise UnreachableError(
                f"The object store of bucket {self.name!r} does not answer: {failure}",
                "No connection could be made, or it broke off; nothing was half-published.",
                "Check AWS_ENDPOINT_URL_S3, the network and whether the store is up.",
            ) from failure

    def _said(self, failure: ClientError) -> Exception:
        """What the store answered, as an error of ours."""
        code = str(failure.response.get("Error", {}).get("Code", ""))
        if code in _LOST:
            retried = failure.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
            return _SentTwiceError() if retried else _LostError()
        if code in _ABSENT:
            return _AbsentError()
        if code == "NoSuchBucket":
            return BucketMissingError(
                f"There is no bucket {self.name!r}", "carpal never makes buckets.", "Make it, or correct the name."
            )
        if code in _DENIED:
            return AccessDeniedError(
                f"The object store refuses access to bucket {self.name!r}: {code}",
                "A repository needs s3:ListBucket, s3:GetObject and, to publish, s3:PutObject.",
                "Check the credentials and the bucket's policy.",
            )
        return UnreachableError(
            f"The object store of bucket {self.name!r} answers {code or failure}",
            "It failed, or does not speak this part of S3.",
            "Try again; if it stays, look into the store's log.",
        )


class _LostError(Exception):
    """The condition of a write did not hold: somebody else was faster."""


class _SentTwiceError(Exception):
    """The condition of a write did not hold when it was sent again, which its first sending may have caused."""


class _AbsentError(Exception):
    """There is no such object."""


def connect() -> Any:
    """A boto3 client by the environment and files that boto3 reads.

    Raises:
        NoCredentialsFoundError: the profile that the environment names does not exist.
        LocationUnsupportedError: the endpoint is no URL.
    """
    config = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 3})
    try:
        return boto3.session.Session().client("s3", config=config)
    except ProfileNotFound as failure:
        raise no_credentials(failure) from failure
    except ValueError as failure:
        raise LocationUnsupportedError(
            f"The endpoint of the object store is no URL: {failure}",
            "It comes from AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL.",
            "Write it as http://host:port or https://host.",
        ) from failure


def no_credentials(failure: Exception) -> NoCredentialsFoundError:
    """The error for credentials that are missing or incomplete."""
    return NoCredentialsFoundError(
        f"No usable credentials for the object store: {failure}",
        "They are looked for where boto3 does: the environment, ~/.aws, the service account of a pod.",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.",
    )
