"""What the moulds give is what highdicom builds from the values themselves."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from tests.unit.carpal.records.writers.fhir_samples import finding, five_findings
from tests.unit.carpal.records.writers.report_samples import dicom_record, png_record

from carpal.records.identity import dicom_identity
from carpal.records.record import Finding, Record
from carpal.records.writers import mould
from carpal.records.writers.report import finding_parts, reference
from carpal.records.writers.report_content import (
    Reference,
    evaluation,
    finding_group,
    measurement_report,
    report_without_findings,
    summary,
)
from carpal.records.writers.report_moulds import Conclusions, encode_document, encode_finding

CALIBRATED = finding("fracture", (1.0, 2.0, 3.0, 4.0), 0.9, calibrated_probability=0.123456)
UNSIZED = CALIBRATED.model_copy(update={"size_mm": None})
HARD_NUMBERS = finding("fracture", (0.001, 1 / 3, 1e4 / 7, 4096.0), 1e-06)


@pytest.mark.parametrize("found", [*five_findings(), CALIBRATED, UNSIZED, HARD_NUMBERS])
@pytest.mark.parametrize("make", [dicom_record, png_record])
def test_a_finding_is_encoded_as_highdicom_builds_it(make, found: Finding):
    record: Record = make(findings=(found,))
    identity = dicom_identity(record.source)
    kind, values = finding_parts(record, 0, identity)
    image = reference(record, identity)
    assert encode_finding(kind, values, image) == mould.encode_items(finding_group(kind, values, image))


SAID = (("fracture", "absent"), ("text", "possible"), ("Żebro", "confirmed"))


@pytest.mark.parametrize("said", [SAID, ()])
@pytest.mark.parametrize("findings", [None, ()])
def test_the_tree_is_encoded_as_highdicom_builds_it(findings: tuple[()] | None, said: Conclusions):
    record = dicom_record() if findings is None else dicom_record(findings)
    identity = dicom_identity(record.source)
    image = reference(record, identity)
    parts = [finding_parts(record, index, identity) for index in range(len(record.findings))]
    groups = [finding_group(kind, values, image) for kind, values in parts]
    elements = encode_document(record.model, image, [mould.encode_items(group) for group in groups], said)
    evaluations = [evaluation(*one) for one in said]
    if groups:
        root = measurement_report(record.model, image, groups, evaluations)
    else:
        root = report_without_findings(record.model, image, evaluations, summary(said))
    whole = Dataset()
    whole.ContentSequence = root.ContentSequence
    assert elements[0x0040A730] == mould.encode_dataset(whole)
    title = Dataset()
    title.ConceptNameCodeSequence, title.ContentTemplateSequence = (
        root.ConceptNameCodeSequence,
        root.ContentTemplateSequence,
    )
    assert elements[0x0040A043] + elements[0x0040A504] == mould.encode_dataset(title)


def test_nothing_of_the_moment_of_writing_is_in_the_document():
    elements = encode_document(dicom_record().model, Reference("1.2.840.10008.5.1.4.1.1.7", "1.2.3"), [], ())
    assert not {0x00080012, 0x00080013, 0x0018A001} & set(elements)


def test_the_local_codes_are_declared():
    elements = encode_document(dicom_record().model, Reference("1.2.840.10008.5.1.4.1.1.7", "1.2.3"), [], ())
    assert b"99CARPAL" in elements[0x00080110]
