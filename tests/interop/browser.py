"""A headless browser for the pages that dicomprep writes."""

import base64
import json
import shutil
import time

import numpy as np
import pytest

# It starts without an account, an update, or a word to anybody.
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
]


class Browser:
    """Chromium with a fresh profile."""

    def __init__(self, profile):
        webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
        found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
        program, driver = next(filter(None, found), None), shutil.which("chromedriver")
        if program is None or driver is None:
            pytest.skip("chromium and chromedriver are not installed (Debian: chromium chromium-driver)")
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(executable_path=driver)
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.get("about:blank")
        self.screen()

    def screen(self, width=1280, height=900, scheme="light"):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def open(self, page, state=""):
        """Opens the page again."""
        self.driver.get("about:blank")
        self.driver.get(page.as_uri() + state)
        self.wait("document.readyState === 'complete'")

    def run(self, program, *values):
        return self.driver.execute_script(program, *values)

    def wait(self, program, *values, seconds=15):
        """Waits until the expression is true."""
        end = time.monotonic() + seconds
        while not self.run(f"return {program}", *values):
            assert time.monotonic() < end, f"in vain: {program} {values}"
            time.sleep(0.02)

    def press(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def hash(self):
        return self.run("return location.hash")

    def focused(self):
        return self.run("return document.activeElement.id || document.activeElement.dataset.row")

    def ids(self):
        """The ids on the cards."""
        return self.run("return [...document.querySelectorAll('.card .id')].map((text) => text.textContent)")

    def large_picture(self, row, outlined=True):
        """The pixels of the large view, (row, column, 4), once it shows this row of the file."""
        canvas = "document.getElementById('large-picture')"
        self.wait(f"{canvas}.dataset.drawn === arguments[0]", f"{row} {str(outlined).lower()}")
        width, height, text = self.run(f"""
            const canvas = {canvas};
            const {{ data }} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let text = '';
            for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
            return [canvas.width, canvas.height, btoa(text)];""")
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)

    def complaints(self):
        """What the console says since it was asked last."""
        return self.driver.get_log("browser")

    def requests(self):
        """What was asked for since this was called last."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [message for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [message["params"]["request"]["url"] for message in sent]
