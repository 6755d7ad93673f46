from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orders", "0004_organisations"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="tries",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
    ]
