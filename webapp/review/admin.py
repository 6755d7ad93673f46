"""Admin pages of what the review desk keeps."""

from django.contrib import admin

from webapp.campaigns.admin import MadeElsewhere
from webapp.review.models import Opinion, QueueEntry, Review


@admin.register(Review)
class ReviewAdmin(MadeElsewhere, admin.ModelAdmin):
    """Verdicts."""

    list_display = ("revision_id", "reviewer", "verdict", "reason", "created_at")
    list_filter = ("verdict", "reason", "reviewer")
    readonly_fields = ("revision", "reviewer", "verdict", "reason", "words", "overrides", "successor")


@admin.register(Opinion)
class OpinionAdmin(MadeElsewhere, admin.ModelAdmin):
    """Second opinions."""

    list_display = ("revision_id", "reviewer", "verdict", "reason", "created_at")
    readonly_fields = ("revision", "reviewer", "verdict", "reason", "words")


@admin.register(QueueEntry)
class QueueEntryAdmin(MadeElsewhere, admin.ModelAdmin):
    """What waits for a verdict, and who holds it."""

    list_display = ("revision_id", "kind", "priority", "held_by", "held_until", "done_at")
    list_filter = ("kind", "held_by")
    readonly_fields = ("revision", "kind", "priority", "grounds", "spots", "held_by", "held_since")
    readonly_fields += ("held_until", "done_at")
