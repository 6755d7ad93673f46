"""Scenes of a made-up earth with a known truth: surface, clouds, shadows, haze, orbits, files."""

from pipeline.simulate.scene import SimulatedScene, scene_arrays
from pipeline.simulate.season import simulate
from pipeline.simulate.surface import Surface, surface
from pipeline.simulate.world import World

__all__ = ["SimulatedScene", "Surface", "World", "scene_arrays", "simulate", "surface"]
