import django.db.models.deletion
from django.db import migrations, models

from pipeline import pyramid
from pipeline.grid import Tile


def mark_what_is_there(apps, schema_editor):
    """Every tile with a mosaic reaches into chips that are still to be made."""
    tiles = apps.get_model("campaigns", "CampaignTile").objects.filter(current_revision__isnull=False)
    Chip = apps.get_model("campaigns", "Chip")
    for tile in tiles.iterator():
        chips = pyramid.with_ancestors(pyramid.chips_of(Tile.parse(tile.tile_id)))
        rows = [
            Chip(campaign_id=tile.campaign_id, wanted=tile.current_revision_id, **chip._asdict())
            for chip in chips
        ]
        Chip.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_override_kinds'),
    ]

    operations = [
        migrations.CreateModel(
            name='Chip',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('z', models.PositiveSmallIntegerField()),
                ('x', models.PositiveIntegerField()),
                ('y', models.PositiveIntegerField()),
                ('key', models.CharField(blank=True, max_length=64)),
                ('wanted', models.PositiveBigIntegerField()),
                ('is_stale', models.BooleanField(default=True)),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chips', to='campaigns.campaign')),
            ],
            options={
                'ordering': ['campaign_id', 'z', 'x', 'y'],
                'indexes': [models.Index(condition=models.Q(('is_stale', True)), fields=['campaign', 'z'], name='chip_stale')],
                'constraints': [models.UniqueConstraint(fields=('campaign', 'z', 'x', 'y'), name='chip_once')],
            },
        ),
        migrations.CreateModel(
            name='EditionChip',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('z', models.PositiveSmallIntegerField()),
                ('x', models.PositiveIntegerField()),
                ('y', models.PositiveIntegerField()),
                ('key', models.CharField(blank=True, max_length=64)),
                ('edition', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chips', to='campaigns.edition')),
            ],
            options={
                'ordering': ['edition_id', 'z', 'x', 'y'],
                'constraints': [models.UniqueConstraint(fields=('edition', 'z', 'x', 'y'), name='edition_chip_once')],
            },
        ),
        migrations.RunPython(mark_what_is_there, migrations.RunPython.noop),
    ]
