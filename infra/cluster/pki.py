"""The certificates of a cluster: an authority for Kubernetes, one for its aggregated API servers, a key for tokens."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.cluster.instance import written

LIFETIME = timedelta(days=365)
CLOCK_SKEW = timedelta(minutes=5)
PRIVATE = 0o600


@dataclass(frozen=True)
class KeyPair:
    """Where a certificate (PEM) and its private key (PEM, mode 600) are."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """A certificate authority whose files are in one folder.

    Attributes:
        folder: where it keeps its own pair and those that it issues.
        name: of its files and in its subject.
    """

    folder: Path
    name: str

    @property
    def pair(self) -> KeyPair:
        """Its own certificate and key, made on the first call."""
        pair = self._place(self.name)
        if not pair.certificate.is_file():
            key = ec.generate_private_key(ec.SECP256R1())
            subject = _subject(self.name, ())
            builder = _certificate(subject, subject, key.public_key()).add_extension(
                x509.BasicConstraints(ca=True, path_length=None), critical=True
            )
            _store(pair, builder.sign(key, hashes.SHA256()), key)
        return pair

    def issue(
        self, file: str, name: str, *, organizations: Sequence[str] = (), addresses: Sequence[str] = ()
    ) -> KeyPair:
        """A certificate for clients and servers, signed by this authority; the same one on every call.

        Args:
            file: name of its files, without suffix.
            name: common name, which is the user's name to Kubernetes.
            organizations: groups of that user.
            addresses: host names and IP addresses that a server answers at.
        """
        pair = self._place(file)
        if pair.certificate.is_file():
            return pair
        issuer = x509.load_pem_x509_certificate(self.pair.certificate.read_bytes())
        signer = serialization.load_pem_private_key(self.pair.key.read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _certificate(_subject(name, organizations), issuer.subject, key.public_key()).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        if addresses:
            names = x509.SubjectAlternativeName([_alternative(address) for address in addresses])
            builder = builder.add_extension(names, critical=False)
        _store(pair, builder.sign(signer, hashes.SHA256()), key)
        return pair

    def _place(self, file: str) -> KeyPair:
        return KeyPair(self.folder / f"{file}.crt", self.folder / f"{file}.key")


def token_key(folder: Path) -> Path:
    """The private key (PEM) that signs the tokens of service accounts, made on the first call."""
    path = folder / "service-accounts.key"
    if not path.is_file():
        written(path, _pem(ec.generate_private_key(ec.SECP256R1())), PRIVATE)
    return path


def _subject(name: str, organizations: Sequence[str]) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFETIME)
    )


def _alternative(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _store(pair: KeyPair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """The key first: where the certificate is, both are."""
    written(pair.key, _pem(key), PRIVATE)
    written(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM).decode())


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    # The API server finds the public half of a key only in this form, not in PKCS#8.
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
