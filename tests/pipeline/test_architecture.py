import ast
import subprocess
import sys
from pathlib import Path

import pytest

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"
STAGES = ("scene_list", "imagery", "mosaic", "landcover")
# What sees several stages: the chain (one tile, its loop, several, holes), commands, a build, items.
KNOW_ALL_STAGES = {
    "chain.py",
    "further.py",
    "several.py",
    "older.py",
    "build.py",
    "run_command.py",
    "product_item.py",
}


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def stages_imported(path):
    return {
        stage for stage in STAGES for name in imports_of(path) if f"{name}.".startswith(f"pipeline.{stage}.")
    }


def test_the_pipeline_never_hears_of_django_or_the_web_application():
    files = list(PIPELINE.rglob("*.py"))
    assert len(files) > 40
    for path in files:
        assert not [name for name in imports_of(path) if name.split(".")[0] in ("django", "webapp")], path


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_never_imports_another(stage):
    for path in (PIPELINE / stage).rglob("*.py"):
        assert stages_imported(path) <= {stage}, path


def test_only_the_chain_knows_all_stages():
    for path in PIPELINE.glob("*.py"):
        if path.name not in KNOW_ALL_STAGES:
            assert not stages_imported(path), path


@pytest.mark.parametrize("first", ["rasterio", "django.contrib.gis.gdal"])
def test_two_gdals_and_torch_live_in_one_process_in_either_order(first):
    second = {"rasterio", "django.contrib.gis.gdal"} - {first}
    code = f"""
import {first}, {second.pop()}, torch
from django.contrib.gis.gdal import SpatialReference, CoordTransform, OGRGeometry
import rasterio.warp
x, y = rasterio.warp.transform("EPSG:4326", "EPSG:32633", [15.0], [46.0])
assert abs(x[0] - 500000) < 1e-3, x
assert SpatialReference(32633).srid == 32633
assert torch.ones(2).sum() == 2
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
