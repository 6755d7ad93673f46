"""Endpoints and notices as the API writes and reads them."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext
from rest_framework import serializers

from pipeline.errors import UsageError
from pipeline.public_address import address_in, is_public, parse, plain
from webapp.notices import kinds
from webapp.notices.models import Attempt, Endpoint, MailChoice, Notice


class KindsField(serializers.ListField):
    """Names of kinds that can be chosen, each once, in their order."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.ChoiceField(list(kinds.CHOSEN.items())), **options)

    def to_internal_value(self, data: Any) -> list[str]:
        """Names without doubles."""
        asked = set(super().to_internal_value(data))
        return [kind for kind in kinds.CHOSEN if kind in asked]


class MailChoiceSerializer(serializers.ModelSerializer):
    """Of what you get mail."""

    kinds = KindsField(help_text="none: no mail at all")
    email = serializers.EmailField(source="user.email", read_only=True)

    class Meta:
        """The kinds and where the mail goes."""

        model = MailChoice
        fields = ("kinds", "email")


class EndpointSerializer(serializers.ModelSerializer):
    """An endpoint without its secret, which is told when it is made."""

    url = serializers.CharField(max_length=2000, help_text="https, in the public internet")
    kinds = KindsField(required=False, help_text="all where it is left out")

    class Meta:
        """What is told and what may be set."""

        model = Endpoint
        read_only_fields = ("id", "stopped_text", "created_at")
        fields = (*read_only_fields, "url", "kinds")

    def validate_url(self, value: str) -> str:
        """An address of the web; where it spells an address of a network, a public one.

        Names are resolved when something is sent.
        """
        allowed = settings.PUBLIC_ADDRESS_EXCEPTIONS
        try:
            target = parse(value.strip(), allowed)
        except UsageError as error:
            raise serializers.ValidationError(str(error)) from error
        if address_in(target.host) is not None:
            address = plain(target.host)
            if not is_public(address) and not allowed.hold(address):
                raise serializers.ValidationError(
                    gettext("%(host)s is not in the public internet.") % {"host": target.host}
                )
        return target.url

    def validate_kinds(self, value: list[str]) -> list[str]:
        """At least one."""
        if not value:
            raise serializers.ValidationError(gettext("Choose of what the endpoint is told."))
        return value


class NewEndpointSerializer(EndpointSerializer):
    """An endpoint with a secret that was just made."""

    secret = serializers.CharField(read_only=True, help_text="told this once; begins with whsec_")

    class Meta(EndpointSerializer.Meta):
        """The same and the secret."""

        fields = (*EndpointSerializer.Meta.fields, "secret")


class AttemptSerializer(serializers.ModelSerializer):
    """One try."""

    class Meta:
        """When, and what came of it."""

        model = Attempt
        fields = ("at", "status_code", "text", "seconds")


class NoticeSerializer(serializers.ModelSerializer):
    """A notice and its tries, the newest first."""

    message_id = serializers.CharField(read_only=True, help_text="the webhook-id of every try")
    channel = serializers.ChoiceField(["mail", "webhook"], read_only=True)
    where = serializers.SerializerMethodField(help_text="address; only its host for others than the owner")
    delivery = serializers.IntegerField(source="delivery.number", read_only=True, allow_null=True)
    tries = AttemptSerializer(many=True, read_only=True)

    class Meta:
        """Fields."""

        model = Notice
        fields = (
            "id",
            "message_id",
            "kind",
            "channel",
            "where",
            "order",
            "delivery",
            "status",
            "attempts",
            "next_try_at",
            "last_answer",
            "created_at",
            "ended_at",
            "tries",
        )

    def get_where(self, notice: Notice) -> str:
        """The address, which may hold a password of the receiver's."""
        return where_for(notice, self.context["request"].user)


class NoticeQuery(serializers.Serializer):
    """Which notices."""

    order = serializers.IntegerField(required=False)
    status = serializers.ChoiceField(Notice.Status.choices, required=False)


def where_for(notice: Notice, viewer: Any) -> str:
    """Where a notice goes: the whole address for its recipient, host or domain for others."""
    if viewer.pk == notice.recipient_id:
        return notice.where
    if notice.endpoint is None:
        return notice.where.rpartition("@")[2]
    return urlsplit(notice.where).hostname or ""
