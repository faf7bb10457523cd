"""A repository on S3, against a server that speaks S3 over HTTP.

The server is moto, in this process. It honours If-None-Match and If-Match, but looks first and writes then, without a
lock between the two. So races are played here in a fixed order, by letting the rival act at the moment between two
requests of the other, and not by threads. That a real store is atomic there is its own promise, not shown here.
``CARPAL_TEST_S3_ENDPOINT`` (with ``CARPAL_TEST_S3_KEY`` and ``_SECRET``) runs the same tests, and real races, against
another server.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from urllib3 import HTTPResponse

from carpal.errors import CarpalError
from carpal.packages.bucket import Bucket, connect
from carpal.packages.package import verify_package, write_package
from carpal.packages.reference import resolve
from carpal.packages.repository import open_repository
from carpal.packages.s3 import PROMOTE_ATTEMPTS, S3Repository

MODEL = "models/tiny/1/model.onnx"


class CrashError(BaseException):
    """The process dies here; nothing after it runs."""


def keys(client, bucket):
    return sorted(item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", ()))


def code_of(work):
    with pytest.raises(CarpalError) as caught:
        work()
    assert caught.value.remedy
    return caught.value.code


def other_package(folder, tiny_package, tiny_manifest, limits="Another thing."):
    """A package of the same name, version and sizes with another content."""
    card = tiny_manifest.card.model_copy(update={"limits": limits})
    manifest = tiny_manifest.model_copy(update={"card": card})
    return write_package(folder, manifest, {"model.onnx": tiny_package / "model.onnx"}).path


def test_the_server_honours_both_conditions(client, bucket):
    store = Bucket(client, bucket)
    assert store.replace("k", b"1", None)
    assert not store.replace("k", b"2", None)
    first = store.read("k")
    assert store.replace("k", b"2", first)
    assert not store.replace("k", b"3", first)
    assert store.read("k").content == b"2"


def test_a_package_is_published_promoted_rolled_back_and_fetched(bucket, tiny_package, tmp_path, monkeypatch, aws):
    monkeypatch.setenv("CARPAL_CACHE", str(tmp_path / "cache"))
    location = f"s3://{bucket}/models/"
    repository = open_repository(location)
    assert repository.names() == []
    made = [repository.publish(tiny_package).version for _ in range(3)]
    assert made == repository.versions("tiny") == ["1", "2", "3"]
    for version in made:
        repository.promote("tiny", version)
    assert repository.rollback("tiny") == "2"
    assert repository.rollback("tiny") == "1"
    assert code_of(lambda: repository.rollback("tiny")) == "repository.nothing-to-roll-back"
    assert resolve("tiny", location).manifest.version == "1"
    assert resolve("tiny:3", location).manifest.version == "3"
    assert repository.channels("tiny") == {"stable": "1"}
    assert repository.names() == ["tiny"]
    assert repository.verify() == []


def test_the_objects_of_a_version_are_the_files_of_the_package_and_nothing_else(
    client, bucket, repository, tiny_package
):
    repository.publish(tiny_package)
    repository.promote("tiny", "1")
    assert keys(client, bucket) == [
        "models/tiny/1/SHA256SUMS",
        "models/tiny/1/manifest.json",
        MODEL,
        "models/tiny/channels.json",
    ]
    assert (
        client.get_object(Bucket=bucket, Key="models/tiny/channels.json")["Body"].read() == b'{\n  "stable": "1"\n}\n'
    )


def test_what_a_storage_initializer_would_download_is_the_package(client, bucket, repository, tiny_package, tmp_path):
    made = repository.publish(tiny_package)
    for key in keys(client, bucket):
        client.download_file(bucket, key, str(tmp_path / key.rsplit("/", 1)[1]))
    (tmp_path / "mnt").mkdir()
    for name in ("manifest.json", "model.onnx", "SHA256SUMS"):
        (tmp_path / name).rename(tmp_path / "mnt" / name)
    assert verify_package(tmp_path / "mnt").digest == made.digest


def test_a_taken_version_is_a_conflict_and_stays_as_it_was(repository, tiny_package, tiny_manifest, tmp_path):
    before = repository.publish(tiny_package)
    other = other_package(tmp_path / "other", tiny_package, tiny_manifest)
    for package in (tiny_package, other):
        assert code_of(lambda package=package: repository.publish(package, version="1")) == "repository.version-exists"
    assert repository.fetch("tiny", "1").digest == before.digest
    assert repository.publish(other).version == "2"


def test_a_crash_before_any_request_leaves_the_repository_as_it_was(watched, repository, tiny_package):
    """Every request of a publish in turn is the one that is never sent; then the same package is published again."""
    requests = []
    watched(lambda number, *what: requests.append(what)).publish(tiny_package, name="counted")
    assert [operation for operation, _ in requests].count("PutObject") == 4  # manifest twice, model, sums
    for fatal in range(len(requests)):
        name = f"crash-{fatal}"

        def die(number, operation, path, fatal=fatal):
            if number == fatal:
                raise CrashError

        with pytest.raises(CrashError):
            watched(die).publish(tiny_package, name=name)
        assert repository.versions(name) == []
        assert name not in repository.names()
        assert repository.verify() == []
        assert repository.publish(tiny_package, name=name).version == "1"
    assert repository.verify() == []


def test_a_crashed_publish_of_another_package_is_stepped_over_and_never_mixed(
    watched, repository, tiny_package, tiny_manifest, tmp_path
):
    def die(number, operation, path):
        if operation == "PutObject" and path.endswith("model.onnx"):
            raise CrashError

    with pytest.raises(CrashError):
        watched(die).publish(tiny_package)
    other = other_package(tmp_path / "other", tiny_package, tiny_manifest)
    assert code_of(lambda: repository.publish(other, version="1")) == "repository.version-unfinished"
    assert repository.publish(other).version == "2"
    assert repository.versions("tiny") == ["2"]
    assert repository.verify() == []


def test_a_stray_object_where_a_version_would_be_is_never_published_with_it(client, bucket, repository, tiny_package):
    client.put_object(Bucket=bucket, Key="models/tiny/1/notes.txt", Body=b"mine")
    assert code_of(lambda: repository.publish(tiny_package, version="1")) == "repository.version-unfinished"
    assert repository.versions("tiny") == []
    assert repository.publish(tiny_package).version == "2"
    assert repository.verify() == []


@pytest.mark.parametrize("moment", range(6))
def test_two_publishers_of_one_version_never_mix_and_one_wins(
    watched, repository, tiny_package, tiny_manifest, tmp_path, moment
):
    """The rival publishes another package as the same version in whole, before the n-th request of the first."""
    other = other_package(tmp_path / "other", tiny_package, tiny_manifest)
    rival = []

    def act(number, operation, path):
        if number == moment:
            try:
                rival.append(repository.publish(other, version="1").digest)
            except CarpalError as failure:
                rival.append(failure.code)

    first = watched(act)
    try:
        ours = first.publish(tiny_package, version="1").digest
    except CarpalError as failure:
        ours = failure.code
    (theirs,) = rival
    conflicts = {"repository.version-exists", "repository.version-unfinished"}
    assert (ours in conflicts) != (theirs in conflicts)
    assert repository.versions("tiny") == ["1"]
    assert repository.fetch("tiny", "1").digest in (ours, theirs)
    assert repository.verify() == []


@pytest.mark.parametrize("moment", range(7))
def test_two_publishers_of_the_same_package_get_two_numbers_or_share_none(watched, repository, tiny_package, moment):
    made = []

    def act(number, operation, path):
        if number == moment:
            made.append(repository.publish(tiny_package).version)

    made.append(watched(act).publish(tiny_package).version)
    assert sorted(made) == ["1", "2"]
    assert repository.versions("tiny") == ["1", "2"]
    assert repository.verify() == []


@pytest.mark.skipif(
    "CARPAL_TEST_S3_ENDPOINT" not in os.environ, reason="moto looks first and writes then, without a lock"
)
@pytest.mark.parametrize("version", [None, "1"])
def test_publishers_at_the_same_moment_never_mix(client, bucket, tiny_package, tiny_manifest, tmp_path, version):
    others = [other_package(tmp_path / f"p{n}", tiny_package, tiny_manifest, f"No. {n}.") for n in range(8)]
    gate = threading.Barrier(len(others))

    def publish(package):
        repository = S3Repository(Bucket(connect(), bucket), "models", tmp_path / "cache")
        gate.wait()
        try:
            return repository.publish(package, version=version).version
        except CarpalError as failure:
            return failure.code

    with ThreadPoolExecutor(len(others)) as pool:
        made = sorted(pool.map(publish, others))
    repository = S3Repository(Bucket(client, bucket), "models", tmp_path / "cache")
    assert repository.verify() == []
    if version is None:
        assert made == repository.versions("tiny") == [str(number) for number in range(1, 9)]
    else:
        assert repository.versions("tiny") == ["1"]
        assert made.count("1") == 1


def test_a_commit_whose_answer_was_lost_is_known_as_our_own(bucket, client, other_client, tiny_package, tmp_path):
    lost = []

    def lose_the_answer(request, **_):
        if request.method == "PUT" and request.url.endswith("SHA256SUMS") and not lost:
            lost.append(request.url)
            client.put_object(Bucket=bucket, Key="models/tiny/1/SHA256SUMS", Body=request.body)
            raise ConnectionClosedError(endpoint_url=request.url)

    other_client.meta.events.register("before-send.s3.PutObject", lose_the_answer)
    repository = S3Repository(Bucket(other_client, bucket), "models", tmp_path / "cache")
    try:
        assert repository.publish(tiny_package).version == "1"
    finally:
        other_client.meta.events.unregister("before-send.s3.PutObject", lose_the_answer)
    assert lost
    assert repository.verify() == []


def test_promoters_that_meet_never_lose_a_channel(watched, repository, tiny_package):
    repository.publish(tiny_package)
    met = []

    def meet(number, operation, path):
        if operation == "PutObject" and len(met) < 3:
            met.append(path)
            repository.promote("tiny", "1", f"rival-{len(met)}")

    watched(meet).promote("tiny", "1")
    assert repository.channels("tiny") == {"rival-1": "1", "rival-2": "1", "rival-3": "1", "stable": "1"}


def test_a_promoter_that_always_loses_gives_up_and_says_so(watched, repository, tiny_package, monkeypatch):
    monkeypatch.setattr("carpal.packages.s3.PROMOTE_PAUSE_S", 0.0)
    repository.publish(tiny_package)
    met = []

    def meet(number, operation, path):
        if operation == "PutObject":
            met.append(path)
            repository.promote("tiny", "1", f"rival-{len(met)}")

    first = watched(meet)
    assert code_of(lambda: first.promote("tiny", "1")) == "repository.channels-contended"
    assert len(met) == PROMOTE_ATTEMPTS
    assert "stable" not in repository.channels("tiny")


def test_the_cache_is_used_checked_and_repaired(repository, client, bucket, tiny_package):
    repository.publish(tiny_package)
    first = repository.fetch("tiny", "1")
    client.delete_object(Bucket=bucket, Key=MODEL)
    client.put_object(Bucket=bucket, Key=MODEL, Body=b"never asked for")
    assert repository.fetch("tiny", "1") == first
    (first.path / "model.onnx").write_bytes(b"damaged in the cache")
    assert code_of(lambda: repository.fetch("tiny", "1")) == "package.digest-mismatch"
    client.put_object(Bucket=bucket, Key=MODEL, Body=(tiny_package / "model.onnx").read_bytes())
    assert repository.fetch("tiny", "1").digest == first.digest
    assert [path.name.startswith("tiny-1-") for path in first.path.parent.iterdir()] == [True]


def test_a_cache_that_holds_another_whole_package_in_its_place_is_not_believed(
    repository, tiny_package, tiny_manifest, tmp_path
):
    repository.publish(tiny_package)
    first = repository.fetch("tiny", "1")
    shutil.rmtree(first.path)
    other_package(first.path, tiny_package, tiny_manifest)
    assert repository.fetch("tiny", "1") == first


def test_a_fetch_that_another_process_finished_first_uses_what_that_one_made(
    watched, repository, tiny_package, tmp_path
):
    repository.publish(tiny_package)
    fetched = []

    def meet(number, operation, path):
        if path.endswith("model.onnx") and not fetched:
            fetched.append(repository.fetch("tiny", "1"))

    assert watched(meet).fetch("tiny", "1") == fetched[0]
    assert len(list((tmp_path / "cache" / "packages").iterdir())) == 1


@pytest.mark.parametrize(
    ("key", "body", "code"),
    [
        ("models/tiny/1/model.onnx", b"altered", "package.digest-mismatch"),
        ("models/tiny/1/model.onnx", None, "package.file-missing"),
        ("models/tiny/1/notes.txt", b"more", "package.file-extra"),
        ("models/tiny/1/../../../evil", b"more", "package.file-extra"),
        ("models/tiny/1/SHA256SUMS", b"", "package.truncated"),
        ("models/tiny/1/SHA256SUMS", b"0" * 64 + b"  ../../evil\n", "package.unsafe-entry"),
    ],
)
def test_a_version_that_somebody_altered_is_refused(client, bucket, repository, tiny_package, key, body, code):
    repository.publish(tiny_package)
    if body is None:
        client.delete_object(Bucket=bucket, Key=key)
    else:
        client.put_object(Bucket=bucket, Key=key, Body=body)
    assert code_of(lambda: repository.fetch("tiny", "1")) == code
    (problem,) = repository.verify()
    assert code in problem


def test_what_is_not_there_is_said_with_the_nearest_that_is(repository, tiny_package):
    repository.publish(tiny_package)
    assert code_of(lambda: repository.fetch("tinny", "1")) == "repository.name-unknown"
    assert code_of(lambda: repository.fetch("tiny", "2")) == "repository.version-unknown"
    assert code_of(lambda: repository.channels("tinny")) == "repository.name-unknown"
    assert code_of(lambda: repository.promote("tiny", "2")) == "repository.version-unknown"
    assert code_of(lambda: repository.rollback("tiny")) == "repository.channel-unknown"


def test_a_bucket_that_is_not_there_is_said(client, tiny_package, tmp_path):
    nowhere = S3Repository(Bucket(client, "there-is-no-such-bucket"), "models", tmp_path)
    assert code_of(nowhere.names) == "repository.bucket-missing"
    assert code_of(lambda: nowhere.publish(tiny_package)) == "repository.bucket-missing"


def test_missing_credentials_are_said(aws, bucket, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert code_of(lambda: open_repository(f"s3://{bucket}").names()) == "repository.no-credentials"
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert code_of(lambda: open_repository(f"s3://{bucket}")) == "repository.no-credentials"


def test_a_store_that_does_not_answer_is_said(aws, bucket, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: every connection is refused
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert code_of(lambda: open_repository(f"s3://{bucket}").names()) == "repository.unreachable"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "not a url")
    assert code_of(lambda: open_repository(f"s3://{bucket}")) == "repository.location-unsupported"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((403, "AccessDenied"), "repository.access-denied"),
        ((403, "InvalidAccessKeyId"), "repository.access-denied"),
        ((501, "NotImplemented"), "repository.unreachable"),
    ],
)
def test_a_store_that_refuses_is_said(other_client, bucket, tmp_path, answer, code):
    """The answer is put in the store's mouth, because moto lets everybody in."""
    status, said = answer
    body = f"<Error><Code>{said}</Code><Message>no</Message></Error>".encode()

    def refuse(request, **_):
        return AWSResponse(request.url, status, {}, HTTPResponse(io.BytesIO(body), preload_content=False))

    other_client.meta.events.register("before-send.s3", refuse)
    try:
        assert code_of(S3Repository(Bucket(other_client, bucket), "", tmp_path).names) == code
    finally:
        other_client.meta.events.unregister("before-send.s3", refuse)
