"""Closed documents: the base of every schema that carpal reads or writes."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from carpal.errors import CarpalError, ConfigError
from carpal.excerpt import excerpt

MAX_MESSAGE = 200  # characters of what a validator says, which can contain the value


class Document(BaseModel):
    """A frozen, closed model: an unknown key is an error, because a misspelt option must never be ignored."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        serialize_by_alias=True,
        validate_by_alias=True,
        validate_by_name=True,
    )

    @classmethod
    def parse(cls, data: Any, *, source: str | Path, error: type[CarpalError] = ConfigError) -> Self:
        """Validate plain data.

        Args:
            data: what a JSON or YAML reader returned.
            source: where it came from, for the message.
            error: the leaf of the error tree to raise.

        Raises:
            CarpalError: of the given leaf, naming each wrong key and the nearest right one.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as failure:
            raise error(
                f"{source} is not a valid {cls.__name__.lower()}: {explain(failure, cls)}",
                "The schema is closed, so that a misspelt key is never silently ignored.",
                "Correct the keys named above.",
            ) from failure

    @classmethod
    def parse_json(cls, body: bytes, *, source: str | Path, error: type[CarpalError] = ConfigError) -> Self:
        """Validate a JSON document; broken JSON raises the same leaf as a wrong key."""
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as failure:
            raise error(
                f"{source} is not JSON: {failure}", "It may be cut short.", "Fetch or write it again."
            ) from failure
        return cls.parse(data, source=source, error=error)

    def to_json(self, *, indent: bool = False) -> bytes:
        """Canonical JSON: keys in field order, UTF-8, one trailing newline when indented."""
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE if indent else 0
        return orjson.dumps(self.model_dump(mode="json"), option=options)


def explain(failure: ValidationError, model: type[BaseModel]) -> str:
    """One clause an error, each with its place, its value where short, and the nearest known key."""
    clauses = []
    for error in failure.errors(include_url=False)[:5]:
        parts = [excerpt(str(part)) for part in error["loc"]]
        place = ".".join(parts) or "(document)"
        message = excerpt(error["msg"], MAX_MESSAGE)
        if error["type"] == "extra_forbidden":
            near = get_close_matches(parts[-1], _keys(model), n=1)
            message = "unknown key" + (f", did you mean {near[0]!r}?" if near else "")
        elif isinstance(error["input"], str):
            message += f" (got {excerpt(error['input'])!r})"
        elif isinstance(error["input"], int | float | bool):
            message += f" (got {excerpt(repr(error['input']))})"
        clauses.append(f"{place}: {message}")
    return "; ".join(clauses)


def _keys(model: type[BaseModel], seen: frozenset[type[BaseModel]] = frozenset()) -> list[str]:
    """Every key of a model and of the models in it."""
    keys: list[str] = []
    for name, field in model.model_fields.items():
        keys.append(name)
        for inner in _models_in(field.annotation):
            if inner not in seen:
                keys += _keys(inner, seen | {model})
    return keys


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models_in(argument)]
