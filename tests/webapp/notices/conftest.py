import pytest
from shapely.geometry import box, mapping

from pipeline.public_address import Exceptions
from tests.receiver import receiver
from webapp.campaigns.models import Revision
from webapp.notices.models import Endpoint, Notice
from webapp.orders.aoi import read_aoi
from webapp.orders.services import Area, place

AOI = mapping(box(15.2, 45.3, 15.6, 45.6))


@pytest.fixture(autouse=True)
def mail(settings, mailoutbox):
    """Mail is sent, and every customer has an address."""
    settings.MAIL_IS_SENT = True
    settings.PUBLIC_URL = "https://maps.example.org"
    settings.DEFAULT_FROM_EMAIL = "Earthquilt <maps@example.org>"
    return mailoutbox


@pytest.fixture
def customer(person):
    made = person("customer", "customer")
    made.email = "customer@example.org"
    made.save()
    return made


@pytest.fixture
def loopback(settings):
    """The operator allows this machine, by http too."""
    settings.PUBLIC_ADDRESS_EXCEPTIONS = Exceptions.of(["127.0.0.1"])


@pytest.fixture
def server(loopback):
    with receiver() as found:
        yield found


@pytest.fixture
def endpoint(server, customer):
    return Endpoint.make(customer, f"http://127.0.0.1:{server.port}/hook", ["order.ready", "delivery.ready"])[
        0
    ]


@pytest.fixture
def order(alps, customer):
    """An order that is ready."""
    Revision.objects.update(review_status="approved")
    return place(customer, alps, Area.of_outline(read_aoi(AOI)))


@pytest.fixture
def hook(endpoint, order):
    """The notice of a ready order that waits for the endpoint."""
    return Notice.objects.get(endpoint=endpoint)
