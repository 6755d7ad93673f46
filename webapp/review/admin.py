"""Admin page of reviews."""

from django.contrib import admin

from webapp.campaigns.admin import MadeElsewhere
from webapp.review.models import Review


@admin.register(Review)
class ReviewAdmin(MadeElsewhere, admin.ModelAdmin):
    """Verdicts."""

    list_display = ("revision_id", "reviewer", "verdict", "reason", "created_at")
    list_filter = ("verdict", "reason", "reviewer")
    readonly_fields = ("revision", "reviewer", "verdict", "reason", "words", "override", "successor")
