"""The accuracy gate: what a variant must keep of the float reference to enter a package.

The two classes are MLPerf Inference's quality targets for detection, 99 % and 95 % of the float accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from carpal.errors import UsageError

Gate = Literal["99%", "95%"]
SHARES: dict[Gate, float] = {"99%": 0.99, "95%": 0.95}  # the strictest first


def gate_named(name: str) -> Gate:
    """The gate of that name.

    Raises:
        UsageError: there is none.
    """
    gate = next((known for known in SHARES if known == name), None)
    if gate is None:
        raise UsageError(f"{name} is no gate", f"The gates are {' and '.join(SHARES)}.", "Choose one of them.")
    return gate


@dataclass(frozen=True)
class Verdict:
    """How a variant did against the float reference, both on the same images.

    Attributes:
        map50_95, reference: mean average precision of the variant and of the reference.
        gate: the strictest gate that it passed; None where it passed none that was asked for.
        accept: the weakest gate that was asked for.
    """

    map50_95: float
    reference: float
    gate: Gate | None
    accept: Gate

    @property
    def share(self) -> float:
        """Of the reference's accuracy; 1 where the reference finds nothing itself."""
        return self.map50_95 / self.reference if self.reference else 1.0

    def words(self) -> str:
        """One clause for a report: by how much it passed or failed."""
        kept = f"keeps {100 * self.share:.1f} % of the float mAP50-95 ({self.map50_95:.4f} of {self.reference:.4f})"
        if not self.reference:
            return f"has mAP50-95 {self.map50_95:.4f}; the float network finds nothing (0), so no gate can judge it"
        if self.gate is not None:
            return f"{kept}, passes {self.gate}"
        short = 100 * (SHARES[self.accept] - self.share)
        return f"{kept}, fails {self.accept} by {short:.1f} percentage points"


def judge(map50_95: float, reference: float, accept: Gate = "99%") -> Verdict:
    """Compare a variant's mAP50-95 with the reference's.

    Args:
        map50_95: of the variant.
        reference: of the float network, on the same images.
        accept: the weakest gate that is good enough.
    """
    passed = [gate for gate, share in SHARES.items() if map50_95 >= share * reference and share >= SHARES[accept]]
    return Verdict(map50_95, reference, passed[0] if passed else None, accept)
