"""The page of `preview` in a real browser."""

import re

import h5py
import numpy as np
import pytest

import expect
from browser import Browser
from conftest import FIXTURES
from streams import Contents, copy, grown, replace
from trees import small_study

OUTLINES = [(213, 94, 0), (86, 180, 233)]
NAMES = {3: "self-crossing", 8: "low-contrast,self-crossing,equal-annotation", 15: "low-contrast"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("profile"))
    yield made
    made.driver.quit()


@pytest.fixture(autouse=True)
def quiet(browser):
    """No test leaves a word on the console, or asks anybody for anything."""
    browser.screen()
    browser.complaints(), browser.requests()
    yield
    assert browser.complaints() == []
    assert {url.partition(":")[0] for url in browser.requests()} <= {"file", "about"}


def page_of(dicomprep, file, folder, *words, code=0):
    page = folder / "report.html"
    result = dicomprep("preview", file, "-o", page, "--force", *words)
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    return page


def replace_findings(file, texts):
    """Other findings than those of the audit."""
    kind = h5py.string_dtype("utf-8", 80)
    data = np.array([text.encode() for text in texts], "S80").astype(kind)
    del file["samples/findings"]
    file["samples"].create_dataset("findings", data=data, dtype=kind, chunks=(8,))


def with_findings(source, target):
    """A copy of the file with findings in some rows."""
    copy(source, target)
    with h5py.File(target, "r+") as file:
        replace_findings(file, [NAMES.get(row, "") for row in range(len(file["images"]))])
    return target


@pytest.fixture(scope="module")
def found(final_data, tmp_path_factory):
    return with_findings(final_data, tmp_path_factory.mktemp("found") / "found.h5")


@pytest.fixture(scope="module")
def page(dicomprep, found, tmp_path_factory):
    return page_of(dicomprep, found, tmp_path_factory.mktemp("page"))


def border(mask):
    """The pixels of the mask with one of the four neighbours outside of it."""
    wide = np.pad(mask.astype(bool), 1)
    inner = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return mask.astype(bool) & ~inner


def shade(image, black, white):
    share = (image.astype(np.float32) - np.float32(black)) / max(np.float32(white - black), np.finfo(np.float32).tiny)
    return np.floor(np.clip(share * np.float32(255), 0, 255) + np.float32(0.5)).astype(np.uint8)


def percentiles(image):
    ordered = np.sort(image, axis=None)
    return [ordered[int(share * ordered.size)] for share in (0.005, 0.995)]


def around(image, mask):
    """The pixels in the box of the mask, wider by half of its sides and at least by 8."""
    found = np.argwhere(mask.any(axis=-1))
    if not len(found):
        return image
    low, high = found.min(0), found.max(0)
    margin = np.maximum((high - low) // 2, 8)
    low, high = np.maximum(low - margin, 0), high + margin + 1
    return image[low[0]:high[0], low[1]:high[1]]


def shows(grey):
    return 40 <= grey.mean() <= 224 and 2 * np.isin(grey, (0, 255)).sum() <= grey.size


def greys(image, window, mask):
    """The window (PS3.3 C.11.2.1.2.1 in binary32, rounded to 8 bits) where the mask can be judged in it, else percentiles of
    the image, else of what is around the mask."""
    center, width = np.float32(window)
    near = around(image, mask)
    if np.isfinite(width) and width >= 1:
        middle, half = center - np.float32(0.5), (width - np.float32(1)) / np.float32(2)
        if shows(shade(near, middle - half, middle + half)):
            return shade(image, middle - half, middle + half)
    of_image, of_mask = percentiles(image), percentiles(near)
    takes_image = shows(shade(near, *of_image)) or not shows(shade(near, *of_mask))
    return shade(image, *(of_image if takes_image else of_mask))


def drawn(contents, row, outlined):
    """The picture of a row as it must be."""
    grey = greys(contents.images[row, ..., 0], contents["window"][row], contents.masks[row])
    picture = np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)
    for plane, colour in enumerate(OUTLINES if outlined else []):
        picture[border(contents.masks[row, ..., plane])] = *colour, 255
    return picture


def test_pictures_are_the_image_and_the_border_of_the_mask(dicomprep, browser, any_data, tmp_path):
    contents = Contents(any_data)
    browser.open(page_of(dicomprep, any_data, tmp_path))
    for row in range(0, len(contents), max(1, len(contents) // 12)):
        browser.run("location.hash = `sample=${arguments[0]}`", row)
        assert np.array_equal(browser.large_picture(row), drawn(contents, row, True)), row
    browser.press("o")
    assert np.array_equal(browser.large_picture(row, False), drawn(contents, row, False))
    assert "outline=0" in browser.hash()
    width, style, columns = browser.run("""
        const canvas = document.getElementById('large-picture');
        return [canvas.getBoundingClientRect().width, getComputedStyle(canvas).imageRendering, canvas.width];""")
    assert width % columns == 0 and style == "pixelated"


def test_a_window_that_hides_the_mask_is_not_taken(dicomprep, browser, final_data, tmp_path):
    with h5py.File(final_data) as file:
        window = file["samples/window"][:]
    window[4] = 30_000, 100
    path = replace(final_data, tmp_path / "dark.h5", "samples/window", window, chunks=window.shape)
    browser.open(page_of(dicomprep, path, tmp_path), "#sample=4")
    assert np.array_equal(browser.large_picture(4), drawn(Contents(path), 4, True))
    facts = browser.run("return document.getElementById('large-facts').textContent")
    assert "in the window of the header" in facts and "cannot be judged" in facts


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_first_picture_is_seen_without_scrolling(browser, page, width, scheme):
    browser.screen(width, 900, scheme)
    browser.open(page)
    browser.wait("document.querySelector('#grid canvas')?.dataset.drawn")
    top, bottom = browser.run("""
        const box = document.querySelector('#grid canvas').getBoundingClientRect();
        return [box.top, box.bottom];""")
    assert 0 < top < bottom <= 900


def test_images_without_a_window_are_drawn_by_their_percentiles(dicomprep, browser, final_data, tmp_path):
    with h5py.File(final_data) as file:
        window = file["samples/window"][:]
    window[4] = np.nan
    path = replace(final_data, tmp_path / "plain.h5", "samples/window", window, chunks=window.shape)
    browser.open(page_of(dicomprep, path, tmp_path), "#sample=4")
    assert np.array_equal(browser.large_picture(4), drawn(Contents(path), 4, True))
    facts = "document.getElementById('large-facts').textContent"
    assert "percentiles 0.5 and 99.5" in browser.run(f"return {facts}")
    browser.press("j")
    assert "window of the header" in browser.run(f"return {facts}")


def test_large_images_are_reduced_with_their_outlines(dicomprep, browser, tmp_path):
    study = small_study(tmp_path / "study", ["a"], size=400)
    study.contour("a", 1, [(20.5, 30.5), (301.0, 41.0), (250.5, 380.5), (33.0, 333.0)])
    path = tmp_path / "large.h5"
    dicomprep.prep(study.root, path, "--split", "none")
    browser.open(page_of(dicomprep, path, tmp_path))
    browser.run("document.getElementById('grid').scrollIntoView()")
    browser.wait("document.querySelector('.card canvas').dataset.drawn === '0 true'")
    width, shown, outlined = browser.run("""
        const canvas = document.querySelector('.card canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const is = (at) => data[at] === 213 && data[at + 1] === 94 && data[at + 2] === 0;
        const pixels = [...Array(canvas.width * canvas.height).keys()];
        return [canvas.width, canvas.getBoundingClientRect().width, pixels.filter((pixel) => is(4 * pixel))];""")
    assert (width, shown) == (200, 200)
    edge = border(Contents(path).masks[0, ..., 0]).reshape(200, 2, 200, 2).any(axis=(1, 3))
    assert outlined == np.flatnonzero(edge).tolist()


def test_the_page_says_what_the_file_holds_and_no_more(dicomprep, browser, found, page, tmp_path):
    contents = Contents(found)
    browser.open(page)
    text = browser.run("return document.querySelector('main').innerText")
    assert "20 of 4 patients" in text and "inner (annotated in 20), outer (annotated in 12)" in text
    assert "in 3 samples: low-contrast 2, self-crossing 2, equal-annotation 1" in text
    assert "does not say how many files were rejected" in text
    source = page.read_text(encoding="utf-8")
    for hidden in (str(page.parent), str(found.parent), "http:", "https:", "dicoms/"):
        assert hidden not in source, hidden
    for split in ("train", "val", "test"):
        rows = contents["split"] == split
        annotated = contents["annotated"][rows, 0] == 1
        spacing = contents["pixel_spacing"][rows].astype(np.float64).prod(axis=1)
        mean = (contents["mask_pixels"][rows, 0] * spacing)[annotated].mean()
        assert browser.run(
            "return [...document.querySelectorAll('.bars svg')].map((chart) => chart.ariaLabel).join()"
        ).count(f"{split} {mean:,.0f} ({annotated.sum()})") == 1
        values = np.sort(contents.images[rows], axis=None)
        levels = [values[max(int(np.ceil(values.size * level)), 1) - 1] for level in (0.005, 0.5, 0.995)]
        line = next(line for line in browser.run(
            "return [...document.querySelectorAll('tbody tr')].map((row) => row.innerText)") if split in line)
        assert [float(number) for number in line.split("\t")[2:5]] == levels

    report = tmp_path / "run.json"
    dicomprep.prep(FIXTURES, tmp_path / "again.h5", "--structures", "inner,outer", "--report", report)
    browser.open(page_of(dicomprep, found, tmp_path, "--report", report))
    bars = browser.run("return document.querySelector('#bins ~ figure svg').ariaLabel")
    assert bars == "Where they ended: used 53, unlabelled 20, rejected 0, ignored 0"


def choose(browser, name, value):
    browser.run("""const input = document.getElementById(arguments[0]);
        input.value = arguments[1]; input.dispatchEvent(new Event('input'));""", name, value)


def test_filters_leave_the_samples_that_meet_all_and_the_address_keeps_them(browser, found, page):
    contents = Contents(found)
    ids = contents["id"]
    browser.open(page)
    worst = sorted(range(len(contents)), key=lambda row: (-len(NAMES.get(row, "").split(",")) * (row in NAMES), row))
    assert browser.ids() == list(ids[worst])
    patient = contents["patient_id"][12]
    choose(browser, "order", "file")
    for name, value, keep in [
        ("split", "val", contents["split"] == "val"),
        ("patient", patient, contents["patient_id"] == patient),
        ("structure", "outer", contents["annotated"][:, 1] == 1),
        ("finding", "low-contrast", np.isin(np.arange(20), [8, 15])),
        ("finding", "*", np.isin(np.arange(20), list(NAMES))),
        ("q", "  EQUAL  self ", np.arange(20) == 8),
        ("q", "nowhere", np.zeros(20, bool)),
    ]:
        choose(browser, name, value)
        assert browser.ids() == list(ids[keep]), (name, value)
        expected = "20 samples" if keep.all() else f"{keep.sum()} of 20 samples"
        assert browser.run("return document.getElementById('count').textContent") == expected
        browser.open(page, browser.hash())
        assert browser.ids() == list(ids[keep]), "the address does not keep it"
        browser.run("document.getElementById('reset').click()")
        assert len(browser.ids()) == 20 and browser.hash() == ""
        choose(browser, "order", "file")
    choose(browser, "structure", "outer"), choose(browser, "order", "largest"), choose(browser, "split", "train")
    rows = np.flatnonzero((contents["annotated"][:, 1] == 1) & (contents["split"] == "train"))
    assert browser.ids() == list(ids[rows[np.argsort(-contents["mask_pixels"][rows, 1], kind="stable")]])


def test_keys_walk_open_and_close(browser, page):
    from selenium.webdriver.common.keys import Keys

    browser.open(page, "#order=file")
    is_open = lambda name: browser.run("return document.getElementById(arguments[0]).open", name)
    browser.press("j")
    assert browser.focused() == "0"
    browser.press("j", Keys.ARROW_RIGHT, "k")
    assert browser.focused() == "1"
    browser.press(Keys.ARROW_DOWN)
    across = int(browser.focused()) - 1
    assert across > 1
    browser.press(Keys.ARROW_UP, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert browser.focused() == "0", "there is nothing before the first"
    browser.press(Keys.ENTER)
    assert is_open("large") and "sample=0" in browser.hash()
    browser.press("j", "j", Keys.ARROW_LEFT)
    assert "sample=1" in browser.hash()
    browser.large_picture(1)
    browser.press("o")
    browser.large_picture(1, outlined=False)
    browser.press("o", Keys.ESCAPE)
    # The page hears of the end of a dialog after the key.
    browser.wait("location.hash === '#order=file'")
    assert not is_open("large") and browser.focused() == "1"
    browser.press("?")
    assert is_open("help")
    browser.press("j", Keys.ESCAPE)
    assert not is_open("help")
    browser.press("/")
    assert browser.focused() == "q"
    browser.press("j", "o", "?")
    assert browser.run("return document.getElementById('q').value") == "jo?" and not is_open("help")


CONTRASTS = """
    const light = (colour) => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).slice(0, 3)
            .map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (element) => {
        const colour = getComputedStyle(element).backgroundColor;
        return colour === 'rgba(0, 0, 0, 0)' ? ground(element.parentElement) : colour;
    };
    const found = {};
    const texts = 'h1, h2, p, dt, dd, button, .card span, th, td, figcaption, text';
    for (const element of document.querySelectorAll(texts)) {
        if (!element.textContent.trim() || !element.checkVisibility()) continue;
        const style = getComputedStyle(element);
        const text = light(element.tagName === 'text' ? style.fill : style.color), back = light(ground(element));
        const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
        if (ratio < 4.5 && !element.disabled) found[element.className + element.textContent.slice(0, 20)] = ratio;
    }
    return found;"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_on_a_phone_and_on_a_desktop(browser, page, scheme):
    for width in (360, 1280):
        browser.screen(width, 740, scheme)
        browser.open(page)
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.run(CONTRASTS) == {}
        browser.run("location.hash = 'sample=8'")
        browser.large_picture(8)
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.run("return document.getElementById('large').scrollWidth") <= width
        assert browser.run(CONTRASTS) == {}
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 384) == (scheme == "dark")
    unnamed = browser.run("""
        return [...document.querySelectorAll('button, input, select, canvas[role=img], svg[role=img]')]
            .filter((element) => !(element.ariaLabel || element.textContent.trim() || element.labels?.length))
            .map((element) => element.outerHTML);""")
    assert unnamed == []


HOSTILE = [
    "</script><script>document.title='taken'</script>", "<img src=x onerror=\"document.title='taken'\">",
    "a\"b'c&amp;d", "line\nbreak\ttab", "<!--<script>", "\u202egnp.exe", "${1+1}`", "\\u003cb\\u003e",
]


def test_names_are_never_markup(dicomprep, browser, final_data, tmp_path):
    with h5py.File(final_data) as file:
        count = len(file["images"])
    names = [HOSTILE[row % len(HOSTILE)] + str(row) for row in range(count)]
    kind = h5py.string_dtype("utf-8", 80)
    texts = np.array([name.encode() for name in names], "S80").astype(kind)
    path = copy(final_data, tmp_path / "hostile<b>&.h5")
    with h5py.File(path, "r+") as file:
        for column in ("id", "patient_id", "split"):
            del file[f"samples/{column}"]
            short = np.array([name.encode()[:12] for name in HOSTILE[:2]] * (count // 2), "S16")
            data = short.astype(h5py.string_dtype("utf-8", 16)) if column == "split" else texts
            file["samples"].create_dataset(column, data=data, chunks=data.shape)
        replace_findings(file, names)
        file.attrs["structures"] = ["<i>inner", "</script>outer"]
        file.attrs["split_rule"] = "<b>rule</b>"
        file["images"].attrs["units"] = "<u>"
        file.attrs["text_checksum"] = expect.text_checksum(file)
    page = page_of(dicomprep, path, tmp_path)
    browser.open(page, "#order=file")
    assert browser.ids() == names
    assert browser.run("return document.title") == "hostile<b>&.h5 – dicomprep preview"
    assert browser.run("return document.querySelectorAll('main script, img, i, b, u').length") == 0
    browser.press("j", "\ue007")
    browser.large_picture(0)
    choose(browser, "q", names[0])
    assert browser.ids() == [names[0]]
    assert "\u202e" not in re.sub(r'<script type="application/json".*?</script>', "", page.read_text(), flags=re.S)


def test_thousands_of_samples_are_shown_by_pages(dicomprep, browser, final_data, tmp_path):
    path = grown(final_data, tmp_path / "many.h5", 250)
    with h5py.File(path, "r+") as file:
        replace_findings(file, [""] * 5000)
    page = page_of(dicomprep, path, tmp_path)
    nodes = "return document.querySelectorAll('*').length"
    browser.open(page)
    assert browser.run("return document.getElementById('count').textContent") == "5,000 samples"
    assert "All 5,000 samples." in browser.run("return document.querySelector('main').innerText")
    with h5py.File(path) as file:
        ids, patients = (file[f"samples/{name}"].asstr()[:] for name in ("id", "patient_id"))
        splits = file["samples/split"].asstr()[:]
    assert browser.ids() == list(ids[:48])
    assert browser.run(nodes) < 1500
    browser.run("document.getElementById('grid').scrollIntoView()")
    browser.wait("document.querySelectorAll('.card canvas[data-drawn]').length > 3")
    drawn = browser.run("return document.querySelectorAll('.card canvas[data-drawn]').length")
    assert drawn < 48, "pictures are drawn though nobody sees them"
    browser.open(page, "#page=105")
    assert browser.ids() == list(ids[104 * 48:])
    choose(browser, "patient", patients[4321])
    assert browser.ids() == list(ids[patients == patients[4321]][:48])
    choose(browser, "patient", "")
    choose(browser, "split", "val")
    for _ in range(3):
        browser.run("document.getElementById('after').click()")
    assert browser.ids() == list(ids[splits == "val"][144:192])
    assert browser.run(nodes) < 1500
    # The end of a page is not the end of the walk.
    browser.run("document.querySelectorAll('.card')[47].focus()")
    browser.press("j")
    assert browser.focused() == str(np.flatnonzero(splits == "val")[192]) and "page=5" in browser.hash()

    few = page_of(dicomprep, path, tmp_path, "--max-samples", "300")
    browser.open(few)
    assert "Showing 300 of 5,000 samples: those with the worst findings first" in browser.run(
        "return document.querySelector('main').innerText")
    assert few.stat().st_size < 300 * 8000
