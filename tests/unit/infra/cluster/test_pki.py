"""Certificates verify against their authority, and the API server can read the key for tokens."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from infra.cluster.pki import Authority, token_key


def test_a_certificate_names_its_user_and_groups(tmp_path: Path):
    pair = Authority(tmp_path, "ca").issue("node", "system:node:node-1", organizations=["system:nodes"])
    subject = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).subject
    assert subject.rfc4514_string() == "CN=system:node:node-1,O=system:nodes"
    ssl.create_default_context().load_cert_chain(pair.certificate, pair.key)


def test_another_call_gives_the_same_certificate(tmp_path: Path):
    first = Authority(tmp_path, "ca").issue("node", "a").certificate.read_bytes()
    assert Authority(tmp_path, "ca").issue("node", "a").certificate.read_bytes() == first


def test_a_key_is_for_nobody_else(tmp_path: Path):
    pair = Authority(tmp_path, "ca").issue("node", "a")
    assert pair.key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("name", "trusted"), [("ca", True), ("other", False)])
def test_only_its_own_authority_vouches_for_a_server(tmp_path: Path, name: str, trusted: bool):
    pair = Authority(tmp_path, "ca").issue("server", "kube-apiserver", addresses=["kubernetes.default", "127.0.0.1"])
    issuer = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).issuer
    authority = x509.load_pem_x509_certificate(Authority(tmp_path, name).pair.certificate.read_bytes())
    server = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    assert (issuer == authority.subject) is trusted
    verifier = PolicyBuilder().store(Store([authority])).build_server_verifier(x509.DNSName("kubernetes.default"))
    if trusted:
        server.verify_directly_issued_by(authority)
    else:
        with pytest.raises(VerificationError):
            verifier.verify(server, [])


def test_the_key_for_tokens_is_in_the_one_form_that_the_api_server_reads_both_halves_from(tmp_path: Path):
    path = token_key(tmp_path)
    assert path.read_text().startswith("-----BEGIN EC PRIVATE KEY-----")
    assert serialization.load_pem_private_key(path.read_bytes(), None).public_key()
    assert token_key(tmp_path).read_bytes() == path.read_bytes()
