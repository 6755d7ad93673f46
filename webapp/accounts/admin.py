"""Admin pages of people and organisations."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from webapp.accounts.models import Organisation, User


@admin.register(User)
class PersonAdmin(UserAdmin):
    """People, their roles and their organisation."""

    list_display = ("username", "email", "organisation", "is_active", "last_login")
    list_filter = ("groups", "organisation", "is_active")
    list_select_related = ("organisation",)
    fieldsets = (*UserAdmin.fieldsets, (None, {"fields": ("organisation",)}))
    add_fieldsets = (*UserAdmin.add_fieldsets, (None, {"fields": ("organisation",)}))


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):
    """Organisations and their quotas; members are chosen on the page of a person."""

    list_display = ("name", "members", "quota_km2", "quota_orders")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organisation]:
        """With the number of members."""
        return super().get_queryset(request).annotate(people=Count("members"))

    @admin.display(ordering="people")
    def members(self, organisation: Organisation) -> int:
        """How many people belong to it."""
        return organisation.people
