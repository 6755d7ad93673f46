from django.contrib.gis.db.models import Extent
from django.db import migrations, models


def measure(apps, schema_editor):
    """Editions that are published already are measured once."""
    Edition = apps.get_model("campaigns", "Edition")
    rows = apps.get_model("campaigns", "EditionTile").objects
    for key in Edition.objects.values_list("pk", flat=True):
        box = rows.filter(edition=key).order_by().aggregate(box=Extent("tile__footprint"))["box"]
        Edition.objects.filter(pk=key).update(bounds=box)


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0004_fill_holes'),
    ]

    operations = [
        migrations.AddField(
            model_name='edition',
            name='bounds',
            field=models.JSONField(editable=False, help_text='west, south, east, north in degrees around its tiles', null=True),
        ),
        migrations.RunPython(measure, migrations.RunPython.noop),
    ]
