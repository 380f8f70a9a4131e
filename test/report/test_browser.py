"""The page in a real browser: it loads, fetches nothing, and its filters work.

Needs Debian's packages chromium and chromium-driver (Ubuntu's are snaps and untested).
"""

import json
import re
import shutil
import time

import pytest
from report_builders import SCENES

from clue_ros.report.write import write_report

pytest.importorskip('selenium', reason='no selenium here: pip install selenium')
from selenium.webdriver import Chrome  # noqa: E402
from selenium.webdriver import ChromeOptions  # noqa: E402
from selenium.webdriver import ChromeService  # noqa: E402
from selenium.webdriver import Keys  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')
DRIVER = shutil.which('chromedriver')
FLAGS = (
    *('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'),
    *('--disable-background-networking', '--disable-component-update', '--disable-sync'),
)
TOTAL = 2 * SCENES  # cases: probe and never

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason='no Chromium with its driver here: sudo apt install chromium chromium-driver',
)


@pytest.fixture(scope='module')
def page(runs, tmp_path_factory):
    path = tmp_path_factory.mktemp('page') / 'page.html'
    write_report(runs['loop'].path, path)
    return path.as_uri()


@pytest.fixture(scope='module')
def chromium(tmp_path_factory):
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f'--user-data-dir={tmp_path_factory.mktemp("profile")}'):
        options.add_argument(flag)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    driver = Chrome(options, ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium, page):
    chromium.get(page)
    return chromium


def shown(browser):
    """Number of cases that are seen, and what the page says of it; once the two agree, if ever."""
    cases = browser.find_elements(By.CLASS_NAME, 'case')
    end = time.monotonic() + 5
    while True:  # what is drawn follows what is said a moment later
        count = sum(case.is_displayed() for case in cases)
        text = browser.find_element(By.ID, 'shown').text
        if count == int(text.split()[0]) or time.monotonic() > end:
            return count, text
        time.sleep(0.1)


def label(browser, text):
    return browser.find_element(By.XPATH, f'//label[starts-with(normalize-space(), "{text}")]')


def test_it_loads_without_a_complaint_and_fetches_nothing(chromium, page):
    chromium.get('about:blank')  # ends the browser's own first page
    chromium.get_log('performance')  # of what came before
    chromium.get_log('browser')
    chromium.get(page)
    events = [json.loads(entry['message'])['message'] for entry in chromium.get_log('performance')]
    asked = [
        event['params']['request']['url']
        for event in events
        if event['method'] == 'Network.requestWillBeSent'
        # what the browser's own page still had on its way
        and not event['params']['documentURL'].startswith('chrome://')
    ]
    assert page in asked
    assert [url for url in asked if url != page and not url.startswith('data:')] == []
    assert chromium.get_log('browser') == []
    assert 'closed loop' in chromium.find_element(By.TAG_NAME, 'h1').text
    assert shown(chromium) == (TOTAL, f'{TOTAL} of {TOTAL} cases')


def test_pictures_and_curves_are_drawn(browser):
    boxes = browser.execute_script(
        'return [...document.querySelectorAll(".picture use, .plot svg path")]'
        '.slice(0, 200).map((shape) => shape.getBBox().width)'
    )
    assert boxes and max(boxes) > 50
    sizes = browser.execute_script(
        'return Promise.all([...document.querySelectorAll("defs > image")].map(async (image) => {'
        ' const picture = new Image(); picture.src = image.href.baseVal;'
        ' await picture.decode(); return picture.naturalWidth; }))'
    )
    assert len(sizes) == 2 * SCENES and min(sizes) > 0
    # the colours of curves come from the page
    stroke = browser.execute_script(
        'return getComputedStyle(document.querySelector(".plot path[style*=series]")).stroke'
    )
    assert stroke.startswith('rgb')


def test_filters(browser):
    label(browser, 'never').click()
    assert shown(browser) == (SCENES, f'{SCENES} of {TOTAL} cases')
    label(browser, 'wrong grasp').click()
    wrong = shown(browser)[0]
    assert wrong == SCENES // 2
    label(browser, 'success').click()  # either of the two
    assert shown(browser)[0] == SCENES
    label(browser, 'spatial').click()
    assert shown(browser)[0] == SCENES // 3
    browser.find_element(By.CSS_SELECTOR, 'button[type=reset]').click()
    assert shown(browser) == (TOTAL, f'{TOTAL} of {TOTAL} cases')


def test_search(browser):
    field = browser.find_element(By.NAME, 'text')
    field.send_keys('RED blue')  # both words, in any case: what the probe asked
    assert shown(browser)[0] == SCENES // 2 - 1
    field.send_keys(' nowhere')
    assert shown(browser)[0] == 0
    assert browser.find_element(By.ID, 'none').is_displayed()
    field.clear()
    field.send_keys('sample 7')
    assert shown(browser)[0] == 2


def test_keys_are_enough(browser):
    """From the search field back to the last filter, and switch it with the space bar."""
    browser.find_element(By.NAME, 'text').send_keys(Keys.SHIFT, Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.get_attribute('name') == 'form'
    outline = browser.execute_script(
        'return getComputedStyle(arguments[0].nextElementSibling).outlineStyle', focused
    )
    assert outline == 'solid'
    focused.send_keys(Keys.SPACE)
    assert shown(browser)[0] == TOTAL // 3


def test_layers_can_be_hidden(browser):
    def drawn(layer):
        return browser.execute_script(
            f'return getComputedStyle(document.querySelector(".{layer}")).display'
        )

    for name, layer in (('attention', 'heat'), ('boxes', 'boxes')):
        assert drawn(layer) != 'none'
        label(browser, name).click()
        assert drawn(layer) == 'none'


@pytest.mark.parametrize(('scheme', 'dark'), [('light', False), ('dark', True)])
def test_light_and_dark(chromium, page, scheme, dark):
    feature = {'name': 'prefers-color-scheme', 'value': scheme}
    chromium.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [feature]})
    chromium.get(page)

    def is_dark():
        color = chromium.find_element(By.TAG_NAME, 'body').value_of_css_property('background-color')
        return max(int(part) for part in re.findall(r'\d+', color)[:3]) < 128

    assert is_dark() == dark
    chromium.find_element(By.ID, 'theme').click()
    assert is_dark() != dark


@pytest.mark.parametrize('width', [400, 1280, 2200])
def test_it_fits_the_screen(chromium, page, width):
    size = {'width': width, 'height': 1000, 'deviceScaleFactor': 1, 'mobile': False}
    chromium.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', size)
    chromium.get(page)
    assert chromium.execute_script('return document.documentElement.scrollWidth') <= width
    chromium.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
