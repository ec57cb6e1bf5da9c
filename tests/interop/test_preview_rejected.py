"""`preview --against`: contours that the audit has left out, on the page."""

import json
import re

import numpy as np
import pytest

from browser import Browser
from trees import Study, dicom, noise, ring

OUTER = (86, 180, 233)
KEY = "a secret key of more than 16 bytes"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three patients with inner and outer contours. The inner one of A/2 lies outside of its outer one, and that of C/2 is
    alone and encloses nothing."""
    study = Study(tmp_path_factory.mktemp("rejected") / "data")
    for patient, name in enumerate("ABC"):
        for number in (1, 2):
            far = np.hypot(*(np.indices((64, 64)) - 32))
            values = np.where(far < 9, 800, np.where(far < 18, 200, 350)) + noise((64, 64), 0, 60, name, number)
            is_wrong = name == "A" and number == 2
            inner = ring(12, 12, 6) if is_wrong else ring(32, 32, 8.7 + patient / 7 + number / 31)
            study.add(name, number, dicom(values.astype(np.uint16), bits=12, PixelSpacing=[1, 1]), inner)
            if (name, number) == ("C", 2):
                study.contour(name, number, [(20.0, 20.0), (20.1, 20.0), (20.1, 20.1), (20.0, 20.1)])
            else:
                study.contour(name, number, ring(32, 32, 17.3 + patient / 7 + number / 31, 64), "outer")
    return study


@pytest.fixture(scope="module")
def file(study, dicomprep, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "data.h5"
    dicomprep.prep(study.root, path, "--structures", "inner,outer", code=3)
    return path


def samples_of(page):
    text = page.read_text()
    return [entry for part in re.findall(r'<script type="application/json" class="facts">(.*?)</script>', text, re.S)
            for entry in json.loads(part)]


def preview(dicomprep, file, page, *words, code=0):
    result = dicomprep("preview", file, "-o", page, "--force", *words)
    assert result.returncode == code, result.stderr
    return result


def test_what_the_audit_left_out_is_on_the_page(study, file, dicomprep, tmp_path):
    page = tmp_path / "page.html"
    result = preview(dicomprep, file, page, "--against", study.root)
    assert "5 samples, 2 samples with contours that were left out" in result.stderr
    samples = samples_of(page)
    assert [(sample["id"], sample["left_out"]["file_row"], sample["left_out"]["planes"]) for sample in samples[:2]] == [
        ("A/2", 1, [[0, ["inner-outside-outer"]]]), ("C/2", None, [[0, ["no-area"]]])]
    assert len(samples) == 7 and all("left_out" not in sample for sample in samples[2:])
    assert "2 of 2 samples of the data whose contours the audit has left out" in page.read_text()
    preview(dicomprep, file, tmp_path / "threads.html", "--against", study.root, "--threads", "1")
    assert (tmp_path / "threads.html").read_bytes() == page.read_bytes()
    preview(dicomprep, file, page)
    assert len(samples_of(page)) == 5 and "left out" not in page.read_text().split("<script>")[0].split("<main>")[1]


def test_contours_that_are_kept_are_not_left_out(study, dicomprep, tmp_path):
    dicomprep.prep(study.root, tmp_path / "kept.h5", "--structures", "inner,outer", "--on-finding", "keep")
    result = preview(dicomprep, tmp_path / "kept.h5", tmp_path / "page.html", "--against", study.root)
    assert "--on-finding keep, so the audit has left out nothing" in result.stderr
    assert len(samples_of(tmp_path / "page.html")) == 6


def test_a_contour_that_the_file_has_is_not_shown_as_left_out(study, file, dicomprep, tmp_path):
    """The sources have changed since."""
    path = study.contour_path("B", 1)
    before = path.read_text()
    path.write_text("".join(f"{x} {y}\n" for x, y in ring(12, 12, 6)))
    try:
        preview(dicomprep, file, tmp_path / "page.html", "--against", study.root)
    finally:
        path.write_text(before)
    assert [sample["id"] for sample in samples_of(tmp_path / "page.html") if "left_out" in sample] == ["A/2", "C/2"]


def test_a_file_with_pseudonyms_stays_one(study, dicomprep, tmp_path):
    key, file, page = tmp_path / "key", tmp_path / "keyed.h5", tmp_path / "page.html"
    key.write_text(KEY)
    key.chmod(0o600)
    dicomprep.prep(study.root, file, "--structures", "inner,outer", "--pseudonym-key", key, code=3)
    assert "--pseudonym-key FILE" in preview(dicomprep, file, page, "--against", study.root, code=1).stderr
    assert not page.exists()
    preview(dicomprep, file, page, "--against", study.root, "--pseudonym-key", key)
    samples = samples_of(page)
    left_out = [sample for sample in samples if "left_out" in sample]
    assert len(left_out) == 2 and {len(sample["patient"]) for sample in samples} == {64}
    assert {sample["patient"] for sample in left_out} <= {sample["patient"] for sample in samples if "left_out" not in sample}
    assert "contourfiles" not in page.read_text() and "ORIG-" not in page.read_text()


@pytest.mark.parametrize("words, said", [
    (["--against", "STUDY", "--split", "train"], "--split"),
    (["--pseudonym-key", "key"], "--against"),
    (["--against", "STUDY", "-o", "STUDY/dicoms/page.html"], "among the inputs"),
    (["--against", "STUDY", "-o", "STUDY/link.csv"], "among the inputs"),
])
def test_words_that_do_not_go_together(words, said, study, file, dicomprep, tmp_path):
    words = [word.replace("STUDY", str(study.root)) for word in words]
    before = (study.root / "link.csv").read_bytes()
    page = [] if "-o" in words else ["-o", tmp_path / "page.html"]
    (tmp_path / "key").write_text(KEY)
    result = dicomprep("preview", file, *page, *words, "--force", cwd=tmp_path)
    assert result.returncode == 2 and said in result.stderr, result.stderr
    assert (study.root / "link.csv").read_bytes() == before and not (tmp_path / "page.html").exists()


def test_the_page_draws_them_dashed(study, file, dicomprep, tmp_path):
    page = tmp_path / "page.html"
    preview(dicomprep, file, page, "--against", study.root)
    browser = Browser(tmp_path / "profile")
    try:
        browser.open(page)
        assert sorted(browser.ids()[:2]) == ["A/2", "C/2"] and len(browser.ids()) == 7
        browser.run("document.querySelector('.card[data-row=\"5\"]').click()")
        picture = browser.large_picture(5)
        facts = browser.run("return document.getElementById('large-facts').textContent")
        assert "inner left out: inner-outside-outer" in facts and "1, without what is dashed" in facts
        colours = picture[..., :3].astype(int)
        is_vermilion = (colours[..., 0] - colours[..., 2] > 60)
        row, column = np.nonzero(is_vermilion)
        # Around (12, 12), about half of a circle of radius 6.
        assert 10 < len(row) and np.all(np.abs(np.hypot(row - 12, column - 12) - 6) < 1.6)
        assert (colours == OUTER).all(-1).sum() > 60, "the outline of the contour that is used"
        browser.press("o")
        plain = browser.large_picture(5, outlined=False)[..., :3].astype(int)
        assert np.all(plain[..., 0] == plain[..., 2])
        assert browser.complaints() == []
    finally:
        browser.driver.quit()
