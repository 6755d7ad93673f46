"""`script/bench deliveries` on a small tile."""

import json

from script.lib import bench_deliveries


def test_a_delivery_is_made_and_measured(tmp_path, capsys):
    told = tmp_path / "found.json"
    options = ["--resolution", "60", "--runs", "1", "--threads", "1", "--only", "landcover"]
    assert bench_deliveries.main([*options, "--work", str(tmp_path), "--json", str(told)]) == 0
    [run] = json.loads(told.read_text())["landcover"]
    assert run["seconds"] > 0 and run["peak_mib"] > 100 and run["answer"]["bytes"] > 100_000
    assert "| landcover | " in "".join(capsys.readouterr())
    assert not (tmp_path / "delivery").exists()
