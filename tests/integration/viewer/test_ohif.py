"""OHIF itself opens carpal's reports: every box is where carpal found it, with its name, and nothing fails."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.integration import orthanc
from tests.integration.absent import absent
from tests.integration.viewer import chromium
from tests.integration.viewer.chromium import Page
from tests.integration.viewer.ohif_server import served
from tests.integration.viewer.studies import Reported, studies
from tools.ohif import build_folder
from tools.pages import blocks

from carpal.imaging.readers import read

PAGE = Path(__file__).resolve().parents[3] / "docs/how-to/send-to-a-pacs.md"
WITHIN_PX = 1.0
SAME_PICTURE = 0.9
"""Correlation of grey values; the window of the viewer and its interpolation keep it below 1."""

TOUR_WAS_SHOWN = "localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']))"
VIEWPORT = "cornerstone.getRenderingEngines()?.[0]?.getViewports()?.[0]"
DISPLAY_SETS = "window.services.displaySetService.getActiveDisplaySets()"
MEASURED = "window.services.measurementService.getMeasurements().map(one => [one.toolName, one.label])"
EDITABLE = """
cornerstoneTools.annotation.state.getAllAnnotations()
  .filter(one => one.metadata.toolName === 'RectangleROI')
  .map(one => [one.data.label, one.data.handles.points.map(
    point => cornerstone.utilities.worldToImageCoords(one.metadata.referencedImageId, point))])
"""
"""Name and corners of each rectangle, in pixels of the image."""
DRAWN = """
(() => {
  const viewport = cornerstone.getRenderingEngines()[0].getViewports()[0]
  const toImage = point => cornerstone.utilities.worldToImageCoords(
    viewport.getCurrentImageId(), viewport.canvasToWorld(point))
  return [...document.querySelectorAll('svg.svg-layer rect[data-id]')].map(rect => {
    const [x, y, width, height] = ['x', 'y', 'width', 'height'].map(name => parseFloat(rect.getAttribute(name)))
    return [...toImage([x, y]), ...toImage([x + width, y + height])]
  })
})()
"""
"""Left, top, right and bottom of each rectangle that is on the screen, in pixels of the image."""

TO_WINDOW = """
places => {
  const viewport = cornerstone.getRenderingEngines()[0].getViewports()[0]
  const {x, y} = viewport.canvas.getBoundingClientRect()
  const toCanvas = place => viewport.worldToCanvas(
    cornerstone.utilities.imageToWorldCoords(viewport.getCurrentImageId(), place))
  return places.map(toCanvas).map(([right, down]) => [x + right, y + down])
}
"""
"""From pixels of the image to pixels of the window."""


@dataclass(frozen=True)
class Viewer:
    """OHIF in a browser, with an archive that holds the studies."""

    page: Page
    url: str
    studies: tuple[tuple[Reported, ...], ...]

    def open(self, study_uid: str, series_uid: str) -> None:
        """Open a study and then one of its series, as a person does with a double click."""
        del self.page.errors[:]
        self.page.open(f"{self.url}/viewer?StudyInstanceUIDs={study_uid}")
        self.page.until(f"window.cornerstone && {VIEWPORT}?.viewportStatus === 'rendered'")
        series = f"{DISPLAY_SETS}.find(one => one.SeriesInstanceUID === '{series_uid}')"
        thumbnail = self.page.until(f"{series}?.displaySetInstanceUID")
        self.click(f"document.getElementById('thumbnail-{thumbnail}')", times=2)

    def edit(self, reported: Reported) -> None:
        """Make the boxes of the report editable."""
        self.click("[...document.querySelectorAll('button')].find(one => one.innerText.trim() === 'Yes')")
        self.page.until(f"{MEASURED}.length === {len(reported.boxes)}")
        self.page.until(f"{DRAWN}.length === {len(reported.boxes)}")

    def click(self, element: str, times: int = 1) -> None:
        """Click the middle of an element once it is there and has stopped moving."""
        place = f"(({element})?.getBoundingClientRect())"
        middle = f"{place} && [{place}.x + {place}.width / 2, {place}.y + {place}.height / 2]"
        self.page.click(*self.page.until_still(middle), times=times)

    def assert_sound(self) -> None:
        """No error boundary, and no error that only the console shows."""
        assert "Something went wrong" not in self.page.text()
        assert self.page.errors == []

    def grey(self, places: list[list[int]]) -> list[int]:
        """How bright pixels of the image, by column and row, are on the screen, from 0 to 255."""
        window = self.page.run(f"({TO_WINDOW})({json.dumps(places)})")
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("L")
        return [picture.getpixel((round(x), round(y))) for x, y in window]


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    build = build_folder()
    fetched = None if build.is_dir() else "OHIF is not in the cache; make readers fetches it"
    if reason := fetched or orthanc.why_not() or chromium.why_not():
        absent(reason)
    (configuration,) = [block.text for block in blocks(PAGE.read_text()) if block.language == "js"]
    sent = tuple(studies(tmp_path_factory.mktemp("studies")))
    with (
        orthanc.running(tmp_path_factory.mktemp("orthanc")) as archive,
        served(build, configuration, archive.client) as url,
        chromium.running(tmp_path_factory.mktemp("chromium")) as page,
    ):
        for reported in (reported for study in sent for reported in study):
            assert archive.stow(reported.image, reported.report).status_code == 200
        page.send("Page.addScriptToEvaluateOnNewDocument", source=TOUR_WAS_SHOWN)
        yield Viewer(page, url, sent)


def corners(box: tuple[float, ...]) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = box
    return [(x0, y0), (x1, y0), (x0, y1), (x1, y1)]


@pytest.mark.parametrize("position", [0, 1], ids=["MONOCHROME2, 1 finding", "MONOCHROME1, 20 findings"])
def test_every_finding_of_a_report_becomes_an_editable_rectangle_with_its_name(viewer: Viewer, position: int):
    """The two images are of one study: each has its report in a series of its own, so that OHIF opens both."""
    reported = viewer.studies[0][position]
    viewer.open(reported.study_uid, reported.series_uid)
    viewer.edit(reported)
    assert viewer.page.run(MEASURED) == [["RectangleROI", name] for name, _ in reported.boxes]
    editable = viewer.page.run(EDITABLE)
    assert [name for name, _ in editable] == [name for name, _ in reported.boxes]
    expected = np.array([corners(box) for _, box in reported.boxes])
    assert np.abs(np.array([points for _, points in editable]) - expected).max() < WITHIN_PX
    drawn = np.array(sorted(viewer.page.run(DRAWN)))
    assert np.abs(drawn - sorted(box for _, box in reported.boxes)).max() < WITHIN_PX
    viewer.assert_sound()


def test_a_report_without_findings_is_text_that_names_every_class(viewer: Viewer):
    (reported,) = viewer.studies[1]
    viewer.open(reported.study_uid, reported.series_uid)
    viewer.page.until("document.body.innerText.includes('Diagnostic Imaging Report')")
    text = viewer.page.text()
    assert "No finding was reported.\nFracture: absent\n" in text.replace("\r", "")
    assert "Fracture: Absent: nothing of this class was reported" in text
    assert "not supported" not in text
    viewer.assert_sound()


@pytest.mark.parametrize("position", [0, 1], ids=["MONOCHROME2", "MONOCHROME1"])
def test_the_image_on_the_screen_is_as_bright_as_carpal_reads_it(viewer: Viewer, position: int, tmp_path: Path):
    """A report lies over the picture that the network got, whichever way the archive stores it."""
    reported = viewer.studies[0][position]
    (tmp_path / "image.dcm").write_bytes(reported.image)
    pixels = read(tmp_path / "image.dcm").pixels.astype(float)
    viewer.open(reported.study_uid, reported.image_series_uid)
    viewer.page.until(f"{VIEWPORT}?.getCurrentImageId?.()?.includes('{reported.image_uid}')")
    height, width = pixels.shape
    places = [[x, y] for x in range(8, width - 8, 16) for y in range(8, height - 8, 16)]
    read_values = [pixels[y, x] for x, y in places]
    viewer.page.until(f"{VIEWPORT}.viewportStatus === 'rendered'")
    assert np.corrcoef(viewer.grey(places), read_values)[0, 1] > SAME_PICTURE
    viewer.assert_sound()
