from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("campaigns", "0012_withdrawals"),
    ]

    operations = [
        migrations.AddField(
            model_name="build",
            name="files",
            field=models.JSONField(
                blank=True, default=dict, editable=False, help_text="its products, when finished"
            ),
        ),
        migrations.AddField(
            model_name="revision",
            name="files",
            field=models.JSONField(
                blank=True, default=dict, editable=False, help_text="its products, when finished"
            ),
        ),
        migrations.AddField(
            model_name="build",
            name="tries",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="revision",
            name="tries",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
    ]
