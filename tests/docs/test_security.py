"""What the page of doors names is there."""

import ast
import re
from functools import cache

import pytest

from script.lib.places import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
PATHS = sorted(set(re.findall(r"`((?:pipeline|webapp|docker|script|tests)/[\w/.-]+)", PAGE)))


@cache
def functions(path):
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_each_test_that_is_named_exists(path, name):
    assert name.startswith("test_") and name in functions(path)


def test_each_place_that_is_named_exists():
    assert len(PATHS) > 20 and all((ROOT / path).exists() for path in PATHS)


def test_each_way_in_names_a_test():
    rows = [line for line in PAGE.split("## Who may ask")[1].splitlines() if line.startswith("| ")]
    ways = [row for row in rows if not row.startswith(("| way in", "| ---"))]
    assert len(ways) > 35 and all("::test_" in row for row in ways)
