"""Where scenes come from: catalogs, their scenes, and their pixels on a grid."""

from pipeline.catalog.cache import Cache
from pipeline.catalog.catalog import Catalog
from pipeline.catalog.download import Brought, bring, download, is_answered
from pipeline.catalog.partial import Wanted, bring_part, by_blocks, by_checksum
from pipeline.catalog.previews import read_preview
from pipeline.catalog.reading import SceneReader, any_remote, read_scene, scene_reader
from pipeline.catalog.scene import Asset, Scene
from pipeline.catalog.search import open_catalog

__all__ = [
    "Asset",
    "Brought",
    "Cache",
    "Catalog",
    "Scene",
    "SceneReader",
    "Wanted",
    "any_remote",
    "bring",
    "bring_part",
    "by_blocks",
    "by_checksum",
    "download",
    "is_answered",
    "open_catalog",
    "read_preview",
    "read_scene",
    "scene_reader",
]
