"""``carpal models``: look at, publish, promote and verify model packages.

What opens packages is imported inside the commands, so that ``carpal --help`` stays quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carpal.packages import DEFAULT_CHANNEL, DEFAULT_REPOSITORY, REPOSITORY_VARIABLE
from carpal.packages.errors import ReferenceInvalidError, RepositoryDamagedError
from carpal.terminal import Terminal

if TYPE_CHECKING:
    from carpal.packages.package import Package
    from carpal.packages.repository import Repository

Location = Annotated[
    str,
    typer.Option(
        "--repository",
        "-r",
        envvar=REPOSITORY_VARIABLE,
        help="Where packages are kept: a folder, or s3://bucket/prefix.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on stdout.")]
Channel = Annotated[str, typer.Option("--channel", "-c", help="Which pointer to move.")]
PublicKey = Annotated[
    Path | None, typer.Option("--public-key", help="Require a signature by the private half of this key.")
]
Name = Annotated[str, typer.Argument(help="A package's name.")]


def register(app: typer.Typer) -> None:
    """Add ``carpal models`` to the command line."""
    models = typer.Typer(no_args_is_help=True, help="Model packages: list, show, publish, promote, roll back, verify.")
    models.command("list")(list_packages)
    models.command("show")(show)
    models.command("publish")(publish)
    models.command("promote")(promote)
    models.command("rollback")(rollback)
    models.command("verify")(verify)
    models.command("keygen")(keygen)
    app.add_typer(models, name="models")


def list_packages(repository: Location = DEFAULT_REPOSITORY, json: Json = False) -> None:
    """List the packages, their versions, and where each channel points."""
    from carpal.packages.repository import open_repository

    terminal, store = Terminal(json=json), open_repository(repository)
    packages = [_summary(store, name) for name in store.names()]
    terminal.result({"repository": str(store), "packages": packages})
    if not packages:
        terminal.done(f"{store} holds no packages. Publish one with: carpal models publish PACKAGE -r {repository}")
    elif not json:
        for package in packages:
            pointers = "  ".join(f"{channel} -> {version}" for channel, version in package["channels"].items())
            terminal.done(f"{package['name']}  versions {', '.join(package['versions'])}  {pointers}".rstrip())


def show(
    reference: Annotated[str, typer.Argument(help="starter, ./folder, name, name@channel or name:version.")],
    repository: Location = DEFAULT_REPOSITORY,
    public_key: PublicKey = None,
    json: Json = False,
) -> None:
    """Show a package's model card, after checking its digests."""
    from carpal.packages.card import model_card
    from carpal.packages.reference import resolve

    terminal = Terminal(json=json)
    package = resolve(reference, repository, public_key=public_key)
    terminal.result({"path": str(package.path), "digest": package.digest, "manifest": package.manifest})
    if not json:
        terminal.done(model_card(package.manifest, package.digest).rstrip())


def publish(
    package: Annotated[Path, typer.Argument(help="The package's folder.")],
    repository: Location = DEFAULT_REPOSITORY,
    name: Annotated[str | None, typer.Option("--name", help="Publish under this name.")] = None,
    version: Annotated[str | None, typer.Option("--version", help="Take this number; by default the next one.")] = None,
    promote_to: Annotated[str | None, typer.Option("--promote", help="Point this channel at it, e.g. stable.")] = None,
    sign: Annotated[Path | None, typer.Option("--sign", help="Sign with this private key.")] = None,
    json: Json = False,
) -> None:
    """Publish a package: verified, whole or not at all, never over another one."""
    from carpal.packages.repository import check_word, open_repository

    terminal, store = Terminal(json=json), open_repository(repository)
    if promote_to is not None:
        check_word("channel", promote_to)
    terminal.say(f"Publishing {package} to {store}")
    made = store.publish(package, name=name, version=version, key=sign)
    if promote_to is not None:
        store.promote(made.name, made.version, promote_to)
    terminal.result({**vars(made), "channel": promote_to, "signed": sign is not None})
    next_step = (
        f"{promote_to} points at it"
        if promote_to is not None
        else f"next: carpal models promote {made.name}:{made.version} -r {repository}"
    )
    terminal.done(f"Published {made.name}:{made.version} at {made.location} ({made.digest}); {next_step}")


def promote(
    reference: Annotated[str, typer.Argument(help="name:version, or name@channel to copy where a channel points.")],
    repository: Location = DEFAULT_REPOSITORY,
    channel: Channel = DEFAULT_CHANNEL,
    json: Json = False,
) -> None:
    """Point a channel at a published version."""
    from carpal.packages.reference import locate, parse
    from carpal.packages.repository import open_repository

    terminal, store, wanted = Terminal(json=json), open_repository(repository), parse(reference)
    if wanted.version is None and "@" not in reference:
        raise ReferenceInvalidError(
            f"{reference!r} does not say which version to promote",
            "A channel moves only to a version that was named.",
            f"Write {wanted.name}:VERSION; carpal models list shows the versions.",
        )
    version = locate(wanted, store)
    before = store.channels(wanted.name).get(channel)
    store.promote(wanted.name, version, channel)
    terminal.result({"name": wanted.name, "version": version, "channel": channel, "before": before})
    undo = f"; undo: carpal models rollback {wanted.name} -c {channel} -r {repository}" if before else ""
    terminal.done(f"{wanted.name}@{channel} points at version {version}, before at {before or 'none'}{undo}")


def rollback(
    name: Name, repository: Location = DEFAULT_REPOSITORY, channel: Channel = DEFAULT_CHANNEL, json: Json = False
) -> None:
    """Point a channel at the version that it had before."""
    from carpal.packages.repository import open_repository

    terminal, store = Terminal(json=json), open_repository(repository)
    before = store.channels(name).get(channel)
    version = store.rollback(name, channel)
    terminal.result({"name": name, "version": version, "channel": channel, "before": before})
    terminal.done(
        f"{name}@{channel} points at version {version} again, before at {before}; "
        f"forward: carpal models promote {name}:{before} -c {channel} -r {repository}"
    )


def verify(
    reference: Annotated[str | None, typer.Argument(help="A package; by default the whole repository.")] = None,
    repository: Location = DEFAULT_REPOSITORY,
    public_key: PublicKey = None,
    json: Json = False,
) -> None:
    """Check every digest of a package or of the whole repository; exit code 1 where something is wrong."""
    from carpal.packages.reference import resolve
    from carpal.packages.repository import open_repository

    terminal = Terminal(json=json)
    if reference is None:
        store = open_repository(repository)
        _verify_all(terminal, store, public_key)
        return
    package = resolve(reference, repository, public_key=public_key)
    terminal.result({"path": str(package.path), "digest": package.digest, "signed_by": public_key, "problems": []})
    signed = f", signed by {public_key}" if public_key else ""
    terminal.done(f"{_title(package)} at {package.path} is whole ({package.digest}){signed}")


def keygen(
    name: Annotated[Path, typer.Argument(help="Makes NAME.key (private) and NAME.pub (public).")], json: Json = False
) -> None:
    """Make a pair of keys for signing packages, without any service."""
    from carpal.packages.signing import make_keys  # the optional extra is loaded only where it is needed

    terminal = Terminal(json=json)
    private, public = make_keys(name)
    terminal.result({"private_key": str(private), "public_key": str(public)})
    terminal.done(
        f"Made {private} (keep it secret) and {public}; next: carpal models publish PACKAGE --sign {private}, "
        f"and whoever uses it: carpal models verify REFERENCE --public-key {public}"
    )


def _verify_all(terminal: Terminal, store: Repository, public_key: Path | None) -> None:
    terminal.say(f"Verifying every package in {store}")
    problems = store.verify(public_key=public_key)
    count = sum(len(store.versions(name)) for name in store.names())
    terminal.result({"repository": str(store), "packages": count, "problems": problems})
    if problems:
        raise RepositoryDamagedError(
            f"{store} has {len(problems)} problem{'s' * (len(problems) != 1)}: {'; '.join(problems)}",
            "What is published must stay as it was published.",
            "Restore the named packages from a copy, or remove them and publish again.",
        )
    terminal.done(f"{store} verifies: {count} package{'s' * (count != 1)}, every digest and channel")


def _summary(store: Repository, name: str) -> dict[str, Any]:
    return {"name": name, "versions": store.versions(name), "channels": store.channels(name)}


def _title(package: Package) -> str:
    return f"{package.manifest.name}:{package.manifest.version}"
