"""What is known of the examination that an image is from: the unit of splits, and the groups of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sex = Literal["M", "F", "O"]
Side = Literal["L", "R"]
Projection = Literal["AP", "PA", "LATERAL", "OBLIQUE"]


@dataclass(frozen=True)
class Exam:
    """Facts about one image; None is "not known", never "no".

    Attributes:
        patient: the dataset's own pseudonym, the unit of every split.
        study: number of the study within the patient.
        age_years, sex, laterality, projection: of the patient and the view. Sex ``O`` occurs.
        initial: first examination of an injury (True) or a follow-up (False).
        cast, osteopenia, uncertain: flags of the image; uncertain is doubt about the diagnosis.
        device: manufacturer of the detector.
        spacing_mm: millimetres a pixel.
        ao: the AO classification as it was written.
        seen: class name to whether the table says that it is visible, for classes that the table speaks of.
        groups: (dimension, group) pairs of the dataset's own, for the subgroups of an evaluation; the same dimensions
            for all images of a dataset.
    """

    patient: str
    study: str | None = None
    age_years: float | None = None
    sex: Sex | None = None
    laterality: Side | None = None
    projection: Projection | None = None
    initial: bool | None = None
    cast: bool | None = None
    osteopenia: bool | None = None
    uncertain: bool | None = None
    device: str | None = None
    spacing_mm: float | None = None
    ao: str = ""
    seen: tuple[tuple[str, bool], ...] = ()
    groups: tuple[tuple[str, str], ...] = ()

    @property
    def study_key(self) -> str | None:
        """The study over all patients; None where studies are not known."""
        return None if self.study is None else f"{self.patient}/{self.study}"
