"""Schemas of before, and settings as campaigns had them then."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.webapp.products import SETTINGS

SETTINGS_OF_THEN = SETTINGS | {
    "max_cloud": 60, "level": "L2A", "share": 0.999, "clear_dates": 1, "target_date": None, "series": 3,
    "least_gain": 0.0005, "margin": 120.0, "agree_datatakes": False, "fill_hazy": False, "tone": "default",
    "networks": {},
}  # fmt: skip


def migrate(targets):
    """Migrate to some states; gives the models of then."""
    MigrationExecutor(connection).migrate(targets)
    loader = MigrationExecutor(connection).loader
    return loader.project_state([target for target in targets if target[1]]).apps
