"""Admin pages of people."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from webapp.accounts.models import User


@admin.register(User)
class PersonAdmin(UserAdmin):
    """People and their roles."""

    list_display = ("username", "email", "is_active", "last_login")
    list_filter = ("groups", "is_active")
