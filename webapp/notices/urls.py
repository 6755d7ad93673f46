"""Addresses of notices."""

from django.urls import path, re_path

from webapp.notices import views

urlpatterns = [
    path("notices/", views.notices_page, name="notices"),
    path("notices/mail/", views.choose_mail, name="choose-mail"),
    path("notices/<int:pk>/again/", views.notice_again, name="notice-again"),
    re_path(
        r"^notices/webhooks/(?P<pk>[0-9]{1,9})/(?P<what>test|secret|remove)/$",
        views.change_endpoint,
        name="change-endpoint",
    ),
]
