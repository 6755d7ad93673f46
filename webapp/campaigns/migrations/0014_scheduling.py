import django.contrib.postgres.fields
from django.db import migrations, models

from pipeline.grid import Tile

RINGS = 3
BATCH = 500


def tell_rings(apps, schema_editor):
    """Keep of each tile which lie within its rings."""
    grid = apps.get_model("campaigns", "GridTile")
    rows = []
    for row in grid.objects.order_by("name").iterator(chunk_size=BATCH):
        row.near = sorted({row.name, *(one.name for one in Tile.parse(row.name).ring(RINGS))})
        rows.append(row)
    grid.objects.bulk_update(rows, ["near"], batch_size=BATCH)


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0013_tries_and_files'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='campaigntile',
            name='tile_by_status',
        ),
        migrations.AddField(
            model_name='campaigntile',
            name='is_changed',
            field=models.BooleanField(default=True, editable=False, help_text='nobody has looked yet at what its last change makes possible'),
        ),
        migrations.AddField(
            model_name='gridtile',
            name='near',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=5), default=list, editable=False, help_text='the tiles within the rings of this one, itself among them, sorted', size=None),
        ),
        migrations.AddField(
            model_name='revision',
            name='is_ready',
            field=models.BooleanField(default=False, editable=False, help_text='no tile that it is made from was due when last looked at'),
        ),
        migrations.AddIndex(
            model_name='campaigntile',
            index=models.Index(fields=['campaign', 'status', 'tile'], name='tile_by_status'),
        ),
        migrations.AddIndex(
            model_name='campaigntile',
            index=models.Index(condition=models.Q(('is_changed', True)), fields=['campaign', 'tile'], name='tile_changed'),
        ),
        migrations.AddIndex(
            model_name='campaigntile',
            index=models.Index(condition=models.Q(('current_revision__isnull', True), ('status', 'composite')), fields=['campaign'], name='tile_without_revision'),
        ),
        migrations.AddIndex(
            model_name='revision',
            index=models.Index(condition=models.Q(('is_ready', True), ('status__in', ('waiting', 'running'))), fields=['campaign_tile'], name='revision_ready'),
        ),
        migrations.RunPython(tell_rings, migrations.RunPython.noop),
    ]
