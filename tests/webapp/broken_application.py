"""A WSGI application that breaks at every request, for the tests of what a server writes down."""


def application(environ, start_response):
    raise ValueError(f"broken at {environ['RAW_URI']}")
