"""The page's files, as they are packaged."""

import re
from importlib.resources import files

import pytest

from services.dashboard.server import PAGE_FILES

PAGE = files("services.dashboard") / "page"
SCRIPTS = sorted(name for name in PAGE_FILES if name.endswith(".js"))


def test_every_packaged_file_is_served_and_every_served_file_is_packaged() -> None:
    """No file is forgotten in the list, and none of the list is missing."""
    assert {file.name for file in PAGE.iterdir()} == set(PAGE_FILES)


def test_the_page_has_no_script_or_style_of_its_own_and_asks_nobody_else() -> None:
    """The strict policy holds because nothing in the page needs more."""
    html = (PAGE / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|https?://|//[a-z]", html)
    assert all(
        re.match(r'<script type="module" src="page/', tag) for tag in re.findall(r"<script[^>]*>", html)
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_can_turn_text_into_markup(name: str) -> None:
    """What the API says goes in by textContent: none of the ways to write markup occurs."""
    script = (PAGE / name).read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_import_only_what_is_served(name: str) -> None:
    """A module that is not in the list would break the page."""
    imported = re.findall(r'from "\./([^"]+)"', (PAGE / name).read_text(encoding="utf-8"))
    assert set(imported) <= set(PAGE_FILES)
