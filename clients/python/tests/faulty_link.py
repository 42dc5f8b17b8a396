"""A link to a real server that counts, and that breaks in chosen ways, one way per connection."""

import contextlib
import socket
import threading


class FaultyLink:
    """Forwards connections to `address`; the first ones meet the given faults instead.

    A fault is `"drop"` (the request is read and the connection closed), `"lose"` (the request is carried out and its
    answer thrown away) or bytes to answer with.
    """

    def __init__(self, address, faults):
        self.host, port = address.split(":")
        self.port = int(port)
        self.faults = list(faults)
        self.connections = 0
        self.requests = 0
        self.sent_bytes = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        # Closing alone does not wake the thread that accepts.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)

    def _count(self, part):
        self.requests += part.count(b" HTTP/1.1\r\n")
        self.sent_bytes += len(part)

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            fault = self.faults.pop(0) if self.faults else None
            threading.Thread(target=self._serve, args=(near, fault), daemon=True).start()

    def _serve(self, near, fault):
        with near:
            if fault is None:
                with socket.create_connection((self.host, self.port)) as far:
                    back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                    back.start()
                    _copy(near, far, self._count)
                    back.join(10)
                return
            request = _request(near)
            if fault == "lose":
                with socket.create_connection((self.host, self.port)) as far:
                    far.sendall(request)
                    _request(far)
            elif fault != "drop":
                near.sendall(fault)


def _request(connection):
    """One message with its body, by `content-length`."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def _copy(source, target, count=None):
    try:
        while part := source.recv(65536):
            if count:
                count(part)
            target.sendall(part)
    except OSError:
        pass
    finally:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
