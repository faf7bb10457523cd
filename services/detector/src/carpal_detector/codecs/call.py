"""One inference call and its answer, whatever the wire they came by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from carpal.excerpt import excerpt
from carpal_detector.codecs.tensor import Tensor
from carpal_detector.errors import BadTensorError, MalformedError


@dataclass(frozen=True)
class Requested:
    """An output that the caller asked for, and whether as bytes."""

    name: str
    binary: bool


@dataclass(frozen=True)
class Call:
    """What a request asks for.

    Attributes:
        inputs: name to tensor.
        outputs: in the caller's order; empty means the default.
        id: the caller's own, given back.
        parameters: of the request.
        binary: whether outputs go as bytes where the caller did not say.
    """

    inputs: Mapping[str, Tensor]
    outputs: tuple[Requested, ...] = ()
    id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    binary: bool = False

    @property
    def timeout_s(self) -> float | None:
        """The protocol's ``timeout`` parameter, which is in microseconds; none where it is absent or 0."""
        timeout = self.parameters.get("timeout")
        if timeout is None:
            return None
        if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout < 0:
            raise MalformedError(
                f"The parameter timeout is {excerpt(repr(timeout))}", "It is a whole number of microseconds."
            )
        return timeout / 1e6 or None

    def binary_at(self, position: int) -> bool:
        """Whether an output goes as bytes; those after the requested ones are there because of a parameter."""
        return self.outputs[position].binary if position < len(self.outputs) else self.binary


def without_nulls(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters of a JSON request that are not null: null counts as absent."""
    return {key: value for key, value in parameters.items() if value is not None} if parameters else {}


def by_name(tensors: list[Tensor]) -> dict[str, Tensor]:
    """Name to tensor.

    Raises:
        BadTensorError: two of the same name.
    """
    named = {tensor.name: tensor for tensor in tensors}
    if len(named) != len(tensors):
        raise BadTensorError(
            "Two inputs have the same name", "Each input may be given once.", "Put all images in one tensor."
        )
    return named
