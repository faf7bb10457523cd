"""Signatures of packages by an offline elliptic-curve key, in the OpenSSF model-signing format.

``signature.json`` covers every other file of the package, SHA256SUMS included. No service is asked and nothing is sent:
whoever has the public key can check it on a machine without a network. Needs the extra ``carpal[sign]``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carpal.packages import disk
from carpal.packages.errors import (
    KeyUnusableError,
    SignatureInvalidError,
    SigningNotInstalledError,
    TargetExistsError,
    UnsignedError,
)
from carpal.packages.package import SIGNATURE

if TYPE_CHECKING:
    from model_signing.hashing import Config

_KEY_KIND = "Keys are PEM files on the curves P-256, P-384 or P-521."
_KEY_REMEDY = "Make a pair with: carpal models keygen NAME"


def sign_package(folder: Path, private_key: Path) -> None:
    """Write ``signature.json`` into a package folder that has all its other files.

    Raises:
        SigningNotInstalledError: the extra is not installed.
        KeyUnusableError: the key is missing or of another kind.
    """
    signing, hashing = _library("signing"), _hashing()
    try:
        config = signing.Config().use_elliptic_key_signer(private_key=private_key).set_hashing_config(hashing)
    except (OSError, ValueError, TypeError) as failure:
        raise KeyUnusableError(
            f"{private_key} is no usable private key: {failure}", _KEY_KIND, _KEY_REMEDY
        ) from failure
    config.sign(folder, folder / SIGNATURE)


def verify_signature(folder: Path, public_key: Path) -> None:
    """Check that the private half of a key signed exactly the files that lie in a package folder.

    Raises:
        SigningNotInstalledError: the extra is not installed.
        KeyUnusableError: the key is missing or of another kind.
        UnsignedError: there is no signature.
        SignatureInvalidError: it is by another key, or over other files.
    """
    verifying, hashing = _library("verifying"), _hashing()
    try:
        config = verifying.Config().use_elliptic_key_verifier(public_key=public_key).set_hashing_config(hashing)
    except (OSError, ValueError, TypeError) as failure:
        raise KeyUnusableError(f"{public_key} is no usable public key: {failure}", _KEY_KIND, _KEY_REMEDY) from failure
    if not (folder / SIGNATURE).is_file():
        raise UnsignedError(
            f"{folder} has no {SIGNATURE}",
            f"A signature by {public_key} is required.",
            "Publish it with --sign and the private key.",
        )
    try:
        config.verify(folder, folder / SIGNATURE)
    except Exception as failure:  # the library lets out what its parsers raise; whatever it is, this is not a signature
        raise SignatureInvalidError(
            f"{folder / SIGNATURE} is no signature of this package by {public_key}",
            f"{type(failure).__name__}: {str(failure)[:200]}".strip(": "),
            "Use the package and the key of the one who published it.",
        ) from failure


def make_keys(name: Path) -> tuple[Path, Path]:
    """Make a pair of P-256 keys: ``NAME.key``, private, readable by the owner only, and ``NAME.pub``.

    Raises:
        TargetExistsError: one of the files is there already; keys are never overwritten.
    """
    _library("signing")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private, public = name.with_name(name.name + ".key"), name.with_name(name.name + ".pub")
    for path in (private, public):
        if os.path.lexists(path):
            raise TargetExistsError(f"{path} is already there", "A key is never overwritten.", "Choose another name.")
    pair = ec.generate_private_key(ec.SECP256R1())
    private_body = pair.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_body = pair.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with disk.writing_errors(name.parent):
        disk.write_file(private, private_body, mode=0o600)
        disk.write_file(public, public_body)
        disk.sync_folder(name.parent)
    return private, public


def _hashing() -> Config:
    """Every file but the signature itself; git's files too, because a package holds none."""
    config: Config = _library("hashing").Config()
    return config.set_ignored_paths(paths=[Path(SIGNATURE)], ignore_git_paths=False)


def _library(module: str) -> Any:
    try:
        import model_signing.hashing
        import model_signing.signing
        import model_signing.verifying
    except ImportError as failure:
        raise SigningNotInstalledError(
            f"Signing needs the module {failure.name}, which is not installed",
            "It is an extra, because most who run carpal only check digests.",
            "pip install 'carpal[sign]'",
        ) from failure
    return getattr(model_signing, module)
