import json

from script.lib.bench import report
from script.lib.bench.command import key_of
from script.lib.bench.report import Section, Table

ABOUT = {"date": "2026-11-24", "command": "script/bench a", "machine": "one", "versions": "two"}


def section(title, cell):
    return Section(
        title, (Table("What it is:", ("size", "time"), (("1", cell),)),), {"raw": [1, 2]}, ("A note.",)
    )


def test_a_section_takes_the_place_of_the_last_one_of_its_name_and_leaves_the_others(tmp_path):
    path = tmp_path / "deep" / "found.json"
    report.keep("a", section("First", "1 s"), ABOUT, path)
    report.keep("b", section("Second", "2 s"), ABOUT, path)
    report.keep("a", section("First again", "3 s"), ABOUT, path)
    kept = json.loads(path.read_text())
    assert {name: item["title"] for name, item in kept.items()} == {"a": "First again", "b": "Second"}
    assert kept["a"]["figures"] == {"raw": [1, 2]}
    page = path.with_suffix(".md").read_text()
    assert "1 s" not in page
    assert page.index("## First again") < page.index("| 1 | 3 s |") < page.index("## Second")
    assert "| size | time |\n| --- | --- |\n| 1 | 3 s |" in page
    assert "`script/bench a`, 2026-11-24." in page and "A note." in page


def test_what_is_measured_at_two_resolutions_has_two_sections():
    assert key_of("peers", 10) == "peers" != key_of("peers", 60) == "peers-60m"


def test_how_busy_the_machine_was_is_told(tmp_path):
    path = tmp_path / "found.json"
    report.keep("a", section("First", "1 s"), ABOUT | {"load_before": 0.31, "load_after": 2.04}, path)
    assert "one. two. Load 0.3 before, 2.0 after." in path.with_suffix(".md").read_text()
