"""What a caller may choose for one image."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from carpal.document import Document
from carpal.records.record import Probability


class DetectOptions(Document):
    """Which findings are reported; their status is always decided by the model's two operating points."""

    threshold: Probability | None = Field(
        default=None,
        description="report everything at or above this probability, of any class, whatever the operating points; "
        "what lies below the high-sensitivity point is then called possible too",
    )
    operating_point: Literal["high-sensitivity", "high-specificity"] = Field(
        default="high-sensitivity", description="the point of each class from which findings are reported"
    )
    max_findings: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="keep this many of the strongest; never more than the model's own limit"
    )
