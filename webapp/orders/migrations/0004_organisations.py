import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0003_organisations"),
        ("campaigns", "0012_withdrawals"),
        ("orders", "0003_kept_for_a_time"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="organisation",
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="orders", to="accounts.organisation"),
        ),
        migrations.AddField(
            model_name="order",
            name="taken_km2",
            field=models.FloatField(editable=False, help_text="of a failed order whose good tiles were asked for: their area", null=True),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["organisation", "created_at"], name="order_by_month"),
        ),
    ]
