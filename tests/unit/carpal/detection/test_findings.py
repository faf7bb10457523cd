"""What is reported, what each finding is called, and what the image says as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from carpal.detection.findings import conclude, report, reporting_thresholds
from carpal.detection.options import DetectOptions
from carpal.detection.postprocess import Detections
from carpal.packages.manifest import Manifest, OperatingPoint, OperatingPoints
from carpal.records.record import Finding, PixelSpacing


def found(*entries: tuple[float, int]) -> Detections:
    """Detections of (probability, class), strongest first."""
    count = len(entries)
    boxes = np.tile([1.0, 2.0, 11.00049, 22.0], (count, 1))
    return Detections(boxes, np.array([p for p, _ in entries]), np.array([c for _, c in entries], np.int64))


def reported(manifest: Manifest, detections: Detections, **options: object) -> tuple[Finding, ...]:
    chosen = DetectOptions.model_validate(options)
    return report(detections, manifest, reporting_thresholds(manifest, chosen), None, chosen.max_findings)


def test_between_the_points_a_finding_is_possible_and_above_confirmed(tiny_manifest: Manifest):
    findings = reported(tiny_manifest, found((0.8, 0), (0.7999, 0), (0.4, 0), (0.3999, 0)))
    assert [(finding.probability, finding.status) for finding in findings] == [
        (0.8, "confirmed"),
        (0.7999, "possible"),
        (0.4, "possible"),
    ]


def test_each_class_has_points_of_its_own(tiny_manifest: Manifest):
    low = OperatingPoints(
        high_sensitivity=OperatingPoint(threshold=0.1), high_specificity=OperatingPoint(threshold=0.2)
    )
    manifest = tiny_manifest.model_copy(update={"operating_points": {**tiny_manifest.operating_points, "text": low}})
    findings = reported(manifest, found((0.3, 0), (0.3, 1), (0.15, 1), (0.05, 1)))
    assert [(finding.label, finding.status) for finding in findings] == [("text", "confirmed"), ("text", "possible")]


def test_the_high_specificity_point_leaves_confirmed_findings_alone(tiny_manifest: Manifest):
    findings = reported(tiny_manifest, found((0.9, 0), (0.5, 0)), operating_point="high-specificity")
    assert [finding.status for finding in findings] == ["confirmed"]


def test_a_threshold_reports_all_at_or_above_it_and_changes_no_status(tiny_manifest: Manifest):
    findings = reported(tiny_manifest, found((0.9, 0), (0.5, 1), (0.05, 0), (0.04, 0)), threshold=0.05)
    assert [finding.status for finding in findings] == ["confirmed", "possible", "possible"]


def test_a_single_precision_probability_just_under_a_threshold_of_the_same_name_passes(tiny_manifest: Manifest):
    assert len(reported(tiny_manifest, found((float(np.float32(0.4)) - 1e-8, 0)))) == 1


def test_the_strongest_are_kept_where_a_maximum_is_asked_for(tiny_manifest: Manifest):
    findings = reported(tiny_manifest, found((0.9, 0), (0.8, 1), (0.7, 0)), max_findings=2)
    assert [finding.probability for finding in findings] == [0.9, 0.8]


def test_a_known_spacing_gives_sizes_in_millimetres(tiny_manifest: Manifest):
    spacing = PixelSpacing(row_mm=0.2, column_mm=0.1, tag="PixelSpacing")
    (finding,) = report(found((0.9, 0)), tiny_manifest, [0.4, 0.4], spacing)
    assert finding.size_mm is not None
    assert (finding.size_mm.width, finding.size_mm.height) == pytest.approx((1.0, 4.0))
    assert (finding.box.x0, finding.box.x1) == (1.0, 11.0)


def test_without_spacing_there_is_no_size(tiny_manifest: Manifest):
    assert reported(tiny_manifest, found((0.9, 0)))[0].size_mm is None


def test_there_is_one_conclusion_a_class_in_the_models_order(tiny_manifest: Manifest):
    findings = reported(tiny_manifest, found((0.7, 1), (0.6, 1)))
    concluded = conclude(findings, tiny_manifest, [0.4, 0.5])
    assert [(one.label, one.status, one.probability, one.threshold) for one in concluded] == [
        ("fracture", "absent", 0.0, 0.4),
        ("text", "possible", 0.7, 0.5),
    ]
