from importlib import import_module

from django.db import migrations

before = import_module('webapp.campaigns.migrations.0006_fingerprints_of_choices')


def leave_versions(apps, schema_editor):
    """Networks are pinned by their versions alone, as a release of before reads them.

    The way forward has nothing to do: a version alone is a pin too, and campaigns without pins keep to what ships.
    """
    for campaign in apps.get_model("campaigns", "Campaign").objects.iterator():
        pins = campaign.settings.get("networks") or {}
        versions = {name: pin.partition("@")[0] for name, pin in pins.items()}
        if versions != pins:
            campaign.settings["networks"] = versions
            campaign.save(update_fields=["settings"])
            before.note(campaign, before.chosen(campaign.settings))


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0008_lists_that_agree'),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, leave_versions),
    ]
