"""Settings of the web application, from the environment.

| variable | means | without it |
| --- | --- | --- |
| `DATABASE_URL` | `postgis://USER:PASSWORD@HOST:PORT/NAME` | a local database `earthquilt` |
| `REDIS_URL` | `redis://HOST:PORT/DB` | port 6379 of this machine |
| `STORAGE_URL` | where all products are: a path, `file:///PATH` or `s3://BUCKET/PREFIX` | `.local/storage` |
| `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` | the S3 server (docs/running.md) | Amazon's |
| `STORAGE_CACHE` | the folder of this machine's working copies of a bucket | `.local/working-copies` |
| `STORAGE_CACHE_MIB` | the size of each | 20480 |
| `SECRET_KEY` | signs sessions | a key that lives as long as the process |
| `DEBUG` | `1` while developing | off |
| `ALLOWED_HOSTS`, `CSRF_TRUSTED_ORIGINS` | comma separated | this machine only |
| `HTTPS` | `1` where the server is reached by https only (docs/running.md) | off |
| `HSTS_SECONDS` | how long browsers insist on https | 31536000 (a year) with `HTTPS` |
| `HSTS_SUBDOMAINS`, `HSTS_PRELOAD` | `1`: for all names below this one; for the lists in browsers | off |
| `AOI_MOST_KM2`, `AOI_MOST_VERTICES` | limits of an order | 2,000,000 and 50,000 |
| `TARIFF_PER_KM2`, `TARIFF_PER_KM2_BUILT` | price of a km2, and of one with a mosaic | none, the same |
| `TARIFF_LEAST`, `TARIFF_CURRENCY` | the least an order costs, and in which currency | 0, EUR |
| `LEASE_SECONDS` | how long a worker may be silent before another takes its stage | 120 |
| `MOST_ATTEMPTS` | how often a stage is begun that fails by its source or kills its worker | 4 |
| `STAGE_TIMEOUT` | how long a job may take before it is ended | 21600 (6 hours) |
| `HUNG_SECONDS` | how much longer before its worker, which hangs, is ended | 600 |
| `RETRY_SECONDS` | the first pause before it is tried again; doubled each time | 20 |
| `MOST_BUILDS_AT_ONCE` | builds of a campaign that are under way together; at least 4 for each worker | 400 |
| `ORPHAN_SECONDS` | how long files that a killed worker left are kept | 86400 (a day) |
| `WORK_FILES_SECONDS` | how long a current build keeps the files of its scenes; 0: for ever | 0 |
| `REVIEW_HOLD_SECONDS` | how long a tile stays with a reviewer of whom nothing is heard | 900 |
| `SECOND_OPINION_SHARE` | share of the verdicts that another reviewer is asked about, 0..1 | 0.1 |
| `MAP_TILE_CACHE` | the folder of encoded map tiles | `.cache/map-tiles` of the storage |
| `MAP_TILE_CACHE_MIB` | its size; 0 keeps none | 2048 |
| `MAP_MEMORY_SECONDS` | how long a public edition is shown without asking the database | 5 |
| `DELIVERY_LINK_SECONDS` | how long the links of a delivery work | 604800 (a week) |
| `DELIVERY_KEEP_DAYS` | how long the files of a delivery are kept | 90 |
| `DELIVERY_TOLD_DAYS` | how long before they are removed the customer is told | 7 |
| `DELIVERY_TERMS` | the operator's own terms, for the licence of deliveries | none |
| `PASSWORD_TRIES` | wrong passwords of a name from one address until they lock; 0: never | 10 |
| `PASSWORD_TRIES_ADDRESS` | those of all names from one address; 0: never | 100 |
| `PASSWORD_LOCK_SECONDS` | within which they count, and how long they then lock | 900 |
| `LANGUAGES` | languages of the pages, comma separated | `en`, see `locale/README.md` |
| `PUBLIC_URL` | this server's address in letters and webhooks, `https://HOST` | `http://127.0.0.1:8000` |
| `EMAIL_URL` | `smtp+tls://USER:PASSWORD@HOST:587` (or `smtp+ssl://`, `smtp://`) | no mail is sent |
| `MAIL_FROM` | the sender of letters | `earthquilt@` and the host of `PUBLIC_URL` |
| `NOTICE_PAUSES` | seconds between the tries of a notice (docs/orders.md) | ten tries over 3 days |
| `NOTICE_SECONDS` | how long a webhook may take to answer | 15 |
| `PUBLIC_ADDRESS_EXCEPTIONS` | inside hosts that webhooks and catalogs may lead to (docs/running.md) | none |
| `CATALOG_FOLDERS` | folders below which catalogs and scenes may lie, comma separated | none: the web only |
| `HEALTH_SECONDS` | how long `/healthz` waits for each part | 5 |
| `LOG_LEVEL` | `DEBUG`, `INFO`, `WARNING`, `ERROR` | `INFO` |
| `LOG_FORMAT` | `plain` text, or `json`: an object a line | `plain` |
| `GDAL_LIBRARY_PATH`, `GEOS_LIBRARY_PATH` | libraries for GeoDjango | found by name |
"""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.conf import locale
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from pipeline.errors import UsageError
from pipeline.public_address import Exceptions
from pipeline.store.objects import Bucket, bucket_of

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent


def storage_folder(address: str) -> Path:
    """The folder of a storage address (a path or file:///PATH).

    Raises:
        ImproperlyConfigured: the address is of another kind.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("", "file"):
        raise ImproperlyConfigured(
            f"STORAGE_URL {address!r} is no storage: write a path, file:///PATH or s3://BUCKET/PREFIX."
        )
    path = Path(unquote(parts.path) if parts.scheme else address)
    return path if path.is_absolute() else BASE_DIR / path


def storage_bucket(address: str) -> Bucket | None:
    """The bucket of a storage address; None where it is of a folder.

    Raises:
        ImproperlyConfigured: it names no bucket.
    """
    if urlsplit(address).scheme != "s3":
        return None
    try:
        return bucket_of(address)
    except UsageError as error:
        raise ImproperlyConfigured(f"STORAGE_URL {error}") from error


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY_IS_MADE_UP = not env.str("SECRET_KEY", default="")
SECRET_KEY = env.str("SECRET_KEY", default="") or get_random_secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
# Asked by the machines beside it, without https.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=365 * 24 * 3600) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)
# Map tiles shown by other sites tell them by their origin, which keys may be bound to.
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
# All that pages need is ours; `data:` is for single pixels and icons.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

DATABASES = {"default": env.db("DATABASE_URL", default="postgis://eq@127.0.0.1:5432/earthquilt")}
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
# A server that is cut off, or takes connections and is silent, is an error and no endless wait. What the
# address says comes first (?connect_timeout=30).
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    # To compile a query takes a fifth of a second, and none of ours runs as long.
    "options": "-c jit=off",
} | DATABASES["default"].get("OPTIONS", {})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
GDAL_LIBRARY_PATH = env.str("GDAL_LIBRARY_PATH", default=None)
GEOS_LIBRARY_PATH = env.str("GEOS_LIBRARY_PATH", default=None)
# Geometries of strangers are read by shapely, which resolves no spatial references; for other names below
# the host and for the lists in browsers the operator speaks (HSTS_SUBDOMAINS, HSTS_PRELOAD).
SILENCED_SYSTEM_CHECKS = ["gis.W001", "security.W005", "security.W021"]

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
# The last is for what may wait until nothing else does.
QUEUES = ("download", "cpu", "gpu", "later")
STAGE_TIMEOUT = env.int("STAGE_TIMEOUT", default=6 * 3600)
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": STAGE_TIMEOUT} for name in QUEUES}
LEASE_SECONDS = env.int("LEASE_SECONDS", default=120)
HUNG_SECONDS = env.float("HUNG_SECONDS", default=600.0)
MOST_ATTEMPTS = env.int("MOST_ATTEMPTS", default=4)
RETRY_SECONDS = env.int("RETRY_SECONDS", default=20)
MOST_BUILDS_AT_ONCE = env.int("MOST_BUILDS_AT_ONCE", default=400)
SWEEP_SECONDS = env.int("SWEEP_SECONDS", default=30)
ORPHAN_SECONDS = env.int("ORPHAN_SECONDS", default=24 * 3600)
WORK_FILES_SECONDS = env.int("WORK_FILES_SECONDS", default=0)
REVIEW_HOLD = timedelta(seconds=env.int("REVIEW_HOLD_SECONDS", default=900))
SECOND_OPINION_SHARE = env.float("SECOND_OPINION_SHARE", default=0.1)

STORAGE_URL = env.str("STORAGE_URL", default=".local/storage")
STORAGE_BUCKET = storage_bucket(STORAGE_URL)
STORAGE_ENDPOINT = env.str("AWS_ENDPOINT_URL_S3", default="") or env.str("AWS_ENDPOINT_URL", default="")
STORAGE_CACHE = storage_folder(env.str("STORAGE_CACHE", default="") or ".local/working-copies")
STORAGE_CACHE_MIB = env.int("STORAGE_CACHE_MIB", default=20 * 1024)
# Of a bucket, the working copy of those who only read: they share it.
STORAGE_ROOT = STORAGE_CACHE / "reading" if STORAGE_BUCKET else storage_folder(STORAGE_URL)
HEALTH_SECONDS = env.float("HEALTH_SECONDS", default=5.0)
MAP_TILE_CACHE = env.str("MAP_TILE_CACHE", default="")
MAP_TILE_CACHE_MIB = env.int("MAP_TILE_CACHE_MIB", default=2048)
MAP_MEMORY_SECONDS = env.float("MAP_MEMORY_SECONDS", default=5.0)
AOI_MOST_KM2 = env.float("AOI_MOST_KM2", default=2_000_000)
AOI_MOST_VERTICES = env.int("AOI_MOST_VERTICES", default=50_000)
DELIVERY_LINK_SECONDS = env.int("DELIVERY_LINK_SECONDS", default=7 * 24 * 3600)
DELIVERY_KEEP_DAYS = env.float("DELIVERY_KEEP_DAYS", default=90)
DELIVERY_TOLD_DAYS = env.float("DELIVERY_TOLD_DAYS", default=7)
DELIVERY_TERMS = env.str("DELIVERY_TERMS", default="")
TARIFF_PER_KM2 = Decimal(env.str("TARIFF_PER_KM2", default="0"))
TARIFF_PER_KM2_BUILT = Decimal(env.str("TARIFF_PER_KM2_BUILT", default=str(TARIFF_PER_KM2)))
TARIFF_LEAST = Decimal(env.str("TARIFF_LEAST", default="0"))
TARIFF_CURRENCY = env.str("TARIFF_CURRENCY", default="EUR")
PUBLIC_URL = (env.str("PUBLIC_URL", default="") or "http://127.0.0.1:8000").rstrip("/")
EMAIL_URL = env.str("EMAIL_URL", default="")
MAIL_IS_SENT = bool(EMAIL_URL)
globals().update(env.email_url_config(EMAIL_URL or "dummymail://"))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="") or f"earthquilt@{urlsplit(PUBLIC_URL).hostname}"
# The schedule that the Standard Webhooks specification names.
NOTICE_PAUSES = env.list(
    "NOTICE_PAUSES", int, default=[5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
)
NOTICE_SECONDS = env.float("NOTICE_SECONDS", default=15)
try:
    PUBLIC_ADDRESS_EXCEPTIONS = Exceptions.of(env.list("PUBLIC_ADDRESS_EXCEPTIONS", default=[]))
except ValueError as error:
    raise ImproperlyConfigured(f"PUBLIC_ADDRESS_EXCEPTIONS: {error}.") from error
CATALOG_FOLDERS = tuple(Path(text) for text in env.list("CATALOG_FOLDERS", default=[]))
for folder in CATALOG_FOLDERS:
    if not folder.is_absolute():
        raise ImproperlyConfigured(f"CATALOG_FOLDERS: {str(folder)!r} is no absolute path.")
# Of a file; all that is no file, such as an area drawn with as many corners as are allowed, is smaller.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 2**20
BODY_MOST_BYTES = 4 * 2**20

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "csp",
    "django_htmx",
    "django_rq",
    "leaflet",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "webapp.accounts",
    "webapp.backups",
    "webapp.campaigns",
    "webapp.orders",
    "webapp.notices",
    "webapp.review",
    "webapp.keys",
    "webapp.stac",
    "webapp.tileserver",
    "webapp.maps",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "webapp.languages.ReadersLanguage",
    "webapp.bodies.Bodies",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "webapp.problems.JobsThatEnded",
    "webapp.accounts.guesses.LockedPage",
]

ROOT_URLCONF = "webapp.urls"
WSGI_APPLICATION = "webapp.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webapp.accounts.roles.context",
            ],
            "libraries": {"languages": "webapp.languages"},
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AUTHENTICATION_BACKENDS = ["webapp.accounts.guesses.Guard", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_TRIES = env.int("PASSWORD_TRIES", default=10)
PASSWORD_TRIES_ADDRESS = env.int("PASSWORD_TRIES_ADDRESS", default=100)
PASSWORD_LOCK_SECONDS = env.int("PASSWORD_LOCK_SECONDS", default=900)
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

# The source speaks English; each further language has its files in locale/.
LANGUAGES = [
    (code, locale.LANG_INFO.get(code, {}).get("name_local", code))
    for code in env.list("LANGUAGES", default=["en"])
]
LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": STORAGE_ROOT},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "webapp.accounts.authentication.SessionAuthentication",
        "webapp.accounts.authentication.BasicAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "webapp.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
        "rest_framework.parsers.FormParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "webapp.pages.Pages",
    "PAGE_SIZE": 100,
    "EXCEPTION_HANDLER": "webapp.problems.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Earthquilt",
    "DESCRIPTION": "Cloud-free Sentinel-2 mosaics and landcover: campaigns, orders, reviews and editions. "
    'Every refusal has one shape: `{"error": {"code", "message", "field"}}`.',
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "webapp.problems.describe_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        f"{name}Enum": f"webapp.campaigns.states.{name}"
        for name in ("TileStatus", "BuildStatus", "RevisionStatus", "ReviewStatus", "OrderStatus", "Stage")
    }
    | {
        "LayerEnum": ["rgb", "nir", "landcover", "confidence", "provenance"],
        "PackedKindEnum": "webapp.tileserver.export.KINDS",
        "QueueKindEnum": "webapp.review.models.queue.QUEUE_KINDS",
        "DefectKindEnum": "webapp.review.models.defect.DEFECT_KINDS",
        "WishKindEnum": "webapp.review.serializers.WISHES",
    },
}

LOG_FORMAT = env.str("LOG_FORMAT", default="plain")
if LOG_FORMAT not in ("plain", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}: plain or json is wanted.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"work": {"()": "webapp.logs.WorkFilter"}},
    "formatters": {
        "plain": {
            "()": "webapp.logs.PlainLines",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s%(work_text)s",
        },
        "json": {"()": "webapp.logs.JsonLines"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["work"]},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"rq": {"level": "WARNING"}, "rasterio": {"level": "ERROR"}},
}
