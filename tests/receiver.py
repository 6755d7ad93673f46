"""A receiver of requests on loopback: a real server that keeps what it was sent and answers as it is told."""

import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What came, and what is answered: (status, body, headers), the last one again and again."""

    port: int = 0
    answers: list = field(default_factory=lambda: [(200, b"ok", {})])
    requests: list = field(default_factory=list)
    connections: int = 0
    drip: float = 0.0

    def next_answer(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def receiver(address="127.0.0.1", port=0, certificate=None):
    """Serve until the block ends; https where there is a certificate."""
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.requests.append((self.path, {name.lower(): v for name, v in self.headers.items()}, body))
            status, content, headers = told.next_answer()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if told.drip:
                for byte in content:
                    time.sleep(told.drip)
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
            else:
                self.wfile.write(content)

        do_GET = do_POST

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def verify_request(self, request, client):
            told.connections += 1
            return True

        def handle_error(self, request, client):
            pass

    server = Server((address, port), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_certificate(folder, name):
    """A certificate of its own for a host, with its key in one file."""
    path = folder / f"{name}.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={name}",
    ]
    command += [
        "-addext",
        f"subjectAltName=DNS:{name}",
        "-keyout",
        folder / "key.pem",
        "-out",
        folder / "crt.pem",
    ]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes((folder / "key.pem").read_bytes() + (folder / "crt.pem").read_bytes())
    return path
