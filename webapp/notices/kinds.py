"""What notices may be of."""

from django.utils.translation import gettext_lazy as _

ORDER_READY = "order.ready"
ORDER_FAILED = "order.failed"
ORDER_CANCELLED = "order.cancelled"
DELIVERY_READY = "delivery.ready"
DELIVERY_FAILED = "delivery.failed"
DELIVERY_EXPIRING = "delivery.expiring"
WEBHOOK_FAILED = "webhook.failed"
WEBHOOK_TEST = "webhook.test"

# What a customer may choose, by name, with the words beside it.
CHOSEN = {
    ORDER_READY: _("The tiles of an order are finished"),
    ORDER_FAILED: _("An order failed"),
    ORDER_CANCELLED: _("An order was cancelled by somebody else"),
    DELIVERY_READY: _("Files can be downloaded"),
    DELIVERY_FAILED: _("Files could not be made"),
    DELIVERY_EXPIRING: _("Files will be removed soon"),
}
WEBHOOK_KINDS = tuple(CHOSEN)
# Of an endpoint that does not answer one is told by mail only.
MAIL_KINDS = (*CHOSEN, WEBHOOK_FAILED)
KINDS = (*CHOSEN, WEBHOOK_FAILED, WEBHOOK_TEST)
# The change of state that a notice tells of.
OF_EVENT = {tuple(kind.split(".")): kind for kind in CHOSEN if kind != DELIVERY_EXPIRING}
