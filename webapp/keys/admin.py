"""Keys on the admin page: seen, limited and revoked; the key itself is nowhere."""

from django.contrib import admin

from webapp.keys.models import KeyUse, MapKey


class KeyUseInline(admin.TabularInline):
    """Days of use."""

    model = KeyUse
    extra = 0
    can_delete = False
    readonly_fields = ("day", "answered", "refused")


@admin.register(MapKey)
class MapKeyAdmin(admin.ModelAdmin):
    """Keys of all people."""

    list_display = ("name", "shown", "owner", "per_minute", "created_at", "revoked_at")
    list_filter = ("revoked_at",)
    readonly_fields = ("owner", "shown", "created_at", "revoked_at")
    inlines = (KeyUseInline,)

    def has_add_permission(self, request: object) -> bool:
        """A key is made by its owner, who alone gets to see it."""
        return False
