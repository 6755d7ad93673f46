import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("accounts", "0002_roles")]

    operations = [
        migrations.CreateModel(
            name="Organisation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("slug", models.SlugField(unique=True)),
                ("quota_km2", models.FloatField(blank=True, help_text="calendar months, UTC; empty: without limit", null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name="km² a month")),
                ("quota_orders", models.PositiveIntegerField(blank=True, help_text="calendar months, UTC; empty: without limit", null=True, verbose_name="orders a month")),
            ],
            options={
                "ordering": ["name"],
                "constraints": [models.CheckConstraint(condition=models.Q(("quota_km2__isnull", True), ("quota_km2__gte", 0), _connector="OR"), name="quota_km2_not_negative")],
            },
        ),
        migrations.AddField(
            model_name="user",
            name="organisation",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="members", to="accounts.organisation"),
        ),
    ]
