import hashlib
import json

from django.db import migrations, models

STAGES = ['scene_list', 'fetch', 'mask', 'compose', 'fill', 'classify', 'done']


def leave_holes(apps, schema_editor):
    """Campaigns of before fill no holes; their fingerprint counts the new settings."""
    for campaign in apps.get_model("campaigns", "Campaign").objects.iterator():
        campaign.settings = {"fill_start": None, "fill_end": None} | campaign.settings
        content = json.dumps([campaign.catalog, campaign.settings], sort_keys=True)
        campaign.fingerprint = hashlib.sha256(content.encode()).hexdigest()
        campaign.save(update_fields=["settings", "fingerprint"])


def know_no_filling(apps, schema_editor):
    """The way back: the stage before is done again, and settings that a release of before refuses go.

    A campaign that fills holes keeps its range; that release cannot go on with it.
    """
    apps.get_model("campaigns", "Build").objects.filter(stage="fill").update(stage="compose")
    for campaign in apps.get_model("campaigns", "Campaign").objects.iterator():
        fill = {name: None for name in ("fill_start", "fill_end")}
        if fill.items() <= campaign.settings.items():
            campaign.settings = {k: v for k, v in campaign.settings.items() if k not in fill}
            content = json.dumps([campaign.catalog, campaign.settings], sort_keys=True)
            campaign.fingerprint = hashlib.sha256(content.encode()).hexdigest()
            campaign.save(update_fields=["settings", "fingerprint"])


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0003_chips'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='build',
            name='build_stage_legal',
        ),
        migrations.RunPython(migrations.RunPython.noop, know_no_filling),
        migrations.AlterField(
            model_name='build',
            name='stage',
            field=models.CharField(choices=[('scene_list', 'Scene List'), ('fetch', 'Fetch'), ('mask', 'Mask'), ('compose', 'Compose'), ('fill', 'Fill'), ('classify', 'Classify'), ('done', 'Done')], default='scene_list', max_length=20),
        ),
        migrations.AddConstraint(
            model_name='build',
            constraint=models.CheckConstraint(condition=models.Q(('stage__in', STAGES)), name='build_stage_legal'),
        ),
        migrations.RunPython(leave_holes, migrations.RunPython.noop),
    ]
