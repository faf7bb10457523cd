"""One condition of a verdict, and how it was met."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from carpal.document import Document


class Check(Document):
    """One condition and how it was met."""

    name: str
    limit: float
    found: float | None = Field(
        description="None where there is nothing to compare, or the value is an unanswered request"
    )
    basis: Literal["proved", "empirical", "count"] = Field(
        description="proved at a confidence, compared as measured, or counted"
    )
    holds: bool
    reason: str
