import hashlib
import json

from django.db import migrations

DEFAULTS = {
    'max_cloud': 80.0, 'resolution': 10, 'level': 'L2A', 'share': 0.999, 'clear_dates': 1, 'target_date': None,
    'least_gain': 0.0005, 'clear_gain': 0.0003, 'most_further': 0, 'series': 3, 'margin': 120.0,
    'preview_margin': 0.0, 'agree_datatakes': False, 'fill_hazy': False, 'fill_start': None, 'fill_end': None,
    'tone': 'default', 'networks': {}, 'south_start': None, 'south_end': None, 'south_target_date': None,
}


def chosen(settings):
    """What differs from the defaults."""
    return {
        name: float(value) if isinstance(DEFAULTS.get(name), float) else value
        for name, value in settings.items()
        if name not in DEFAULTS or value != DEFAULTS[name]
    }


def count_choices(apps, schema_editor):
    """Fingerprints count what differs from the defaults, whichever settings there were at the time."""
    for campaign in apps.get_model("campaigns", "Campaign").objects.iterator():
        note(campaign, chosen(campaign.settings))


def count_all(apps, schema_editor):
    """Fingerprints count all settings, as they did before."""
    for campaign in apps.get_model("campaigns", "Campaign").objects.iterator():
        note(campaign, campaign.settings)


def note(campaign, told):
    content = json.dumps([campaign.catalog, told], sort_keys=True)
    campaign.fingerprint = hashlib.sha256(content.encode()).hexdigest()
    campaign.save(update_fields=["fingerprint"])


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0005_bounds_of_editions'),
    ]

    operations = [
        migrations.RunPython(count_choices, count_all),
    ]
