"""The house keeps its own rules: contracts, sizes, names, settings written down once."""

import ast
import importlib
import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

from shared.observability.metrics import catalogue_markdown
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
MODULES = sorted([*ROOT.glob("services/**/*.py"), *ROOT.glob("shared/**/*.py")])

#: Longer ones hold a second job.
LONGEST_MODULE_LINES = 500
LONGEST_FUNCTION_LINES = 60
#: Names that say nothing.
BANNED_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "base", "misc"}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_a_module_is_a_small_room(module: Path) -> None:
    """It says what it is, is not too long, has no function over sixty lines, and a name that means something."""
    text = module.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert len(text.splitlines()) <= LONGEST_MODULE_LINES
    assert module.stem not in BANNED_NAMES
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION_LINES, node.name


def test_no_other_distribution_claims_our_packages() -> None:
    """`services` and `shared` are ours alone in this environment."""
    claims = {
        distribution.name
        for distribution in distributions()
        for file in distribution.files or ()
        if file.parts[0] in {"services", "shared"}
    }
    assert claims <= {"paceline"}
    for name in ("services", "shared"):
        package = importlib.import_module(name)
        assert package.__file__ == str(ROOT / name / "__init__.py")


def _environment_name(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"PACELINE_{name.upper()}"


def test_every_setting_is_written_down_once_more_and_no_other() -> None:
    """deploy/env.example and the README's table list exactly the settings of the code, with their sentences."""
    expected = {_environment_name(name): field.description for name, field in Settings.model_fields.items()}
    example = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^# (.+)\n#?([A-Z_]+)=.*$", example, re.MULTILINE))
    assert {name: sentence for sentence, name in listed.items()} == expected
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| [^|]* \| (.+) \|$", readme, re.MULTILINE)
    assert dict(rows) == expected


def test_the_metrics_tables_are_those_of_the_code() -> None:
    """docs/metrics.md renders the published catalogue word for word."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    match = re.search(r"<!-- metrics -->\n(.*)<!-- /metrics -->", page, re.DOTALL)
    assert match is not None
    assert match[1].strip() == catalogue_markdown().strip()


def test_the_readme_is_short_enough_to_be_read() -> None:
    """At most three hundred lines."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 300
