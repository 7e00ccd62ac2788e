"""The pages for readers: their links lead somewhere, and the files that they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        if "://" in target:
            continue
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors_of(there), (target, anchor)


@pytest.mark.parametrize("page", ["docs/glossary.md", "docs/architecture.md", "docs/flow.md", "CONTRIBUTING.md"])
def test_files_that_a_page_names_with_their_folder_exist(page: str) -> None:
    named = re.findall(r"`([a-z_./]+/[a-z_]+\.(?:py|toml))`", (ROOT / page).read_text())
    assert named
    missing = [name for name in named if not (ROOT / name).exists() and not (ROOT / "agent" / name).exists()]
    assert not missing


def test_readme_says_first_what_this_is_and_for_whom() -> None:
    beginning = "\n".join((ROOT / "README.md").read_text().splitlines()[:10])
    for word in ("SNMP agent", "VRF", "monitoring", "lab", "strongSwan", "not there yet", "docs/recording.svg"):
        assert word in beginning
