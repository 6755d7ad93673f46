from importlib import import_module

from django.db import migrations

before = import_module('webapp.campaigns.migrations.0006_fingerprints_of_choices')


def bring_inside(apps, schema_editor):
    """A target outside of the range becomes the nearest day inside.

    That asks for the same lists, as all scenes are as many days nearer to it.
    """
    for campaign in apps.get_model("campaigns", "Campaign").objects.iterator():
        settings = campaign.settings
        target = settings.get("target_date")
        if target is None or settings["start"] <= target <= settings["end"]:
            continue
        settings["target_date"] = settings["start"] if target < settings["start"] else None
        campaign.save(update_fields=["settings"])
        before.note(campaign, before.chosen(settings))


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0006_fingerprints_of_choices'),
    ]

    operations = [
        migrations.RunPython(bring_inside, migrations.RunPython.noop),
    ]
