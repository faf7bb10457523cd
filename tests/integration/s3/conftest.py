"""An S3 server in this process, clients that share it, and a repository of another process that can be interrupted."""

from __future__ import annotations

import os
import uuid

import pytest
from moto.server import ThreadedMotoServer

from carpal.packages.bucket import Bucket, connect
from carpal.packages.s3 import S3Repository


@pytest.fixture(scope="module")
def endpoint():
    given = os.environ.get("CARPAL_TEST_S3_ENDPOINT")
    if given:
        yield given
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def aws(endpoint, tmp_path_factory):
    """What boto3 finds in the environment, and nothing of the machine's own."""
    nowhere = str(tmp_path_factory.mktemp("aws") / "none")
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        environment.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        environment.setenv("AWS_ACCESS_KEY_ID", os.environ.get("CARPAL_TEST_S3_KEY", "test"))
        environment.setenv("AWS_SECRET_ACCESS_KEY", os.environ.get("CARPAL_TEST_S3_SECRET", "test"))
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("AWS_CONFIG_FILE", nowhere)
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="module")
def client(aws):
    return connect()  # a client takes a quarter of a second to make, so the tests share two


@pytest.fixture(scope="module")
def other_client(aws):
    return connect()


@pytest.fixture
def bucket(client):
    name = f"b{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def repository(client, bucket, tmp_path):
    return S3Repository(Bucket(client, bucket), "models", tmp_path / "cache")


@pytest.fixture
def watched(other_client, bucket, tmp_path):
    """Makes the repository of another process; ``before(number, operation, path)`` is called before each request."""
    events, registered = other_client.meta.events, []

    def make(before):
        count = iter(range(10_000))

        def call(params, model, **_):
            before(next(count), model.name, params["url_path"])

        while registered:
            events.unregister("before-call.s3", registered.pop())
        events.register("before-call.s3", call)
        registered.append(call)
        return S3Repository(Bucket(other_client, bucket), "models", tmp_path / "cache")

    yield make
    while registered:
        events.unregister("before-call.s3", registered.pop())
