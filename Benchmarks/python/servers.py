"""Servers for a load generator: echo over TCP or a Unix socket, and a minimal HTTP, as protocols and as streams."""

import asyncio
import socket

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"
READ_SIZE = 65536


class Requests:
    """Counts the ends of requests without bodies; they may come in any pieces."""

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        data = self.rest + data
        *ends, rest = data.split(b"\r\n\r\n")
        # Only what may be the beginning of an end is kept.
        self.rest = rest[-3:]
        return len(ends)


class Echoing:
    """Reading pauses while too much waits to be written, so a client that does not read costs no memory."""

    def connection_made(self, transport):
        self.transport = transport
        set_no_delay(transport)

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


class Answering(Echoing):
    def __init__(self):
        super().__init__()
        self.requests = Requests()

    def data_received(self, data):
        self.transport.write(ANSWER * self.requests.feed(data))


class Buffered(asyncio.BufferedProtocol):
    def __init__(self):
        self.buffer = bytearray(READ_SIZE)
        self.view = memoryview(self.buffer)

    def get_buffer(self, size_hint):
        return self.buffer

    def buffer_updated(self, count):
        # A transport may keep what it is given.
        self.data_received(bytes(self.view[:count]))


class Echo(Echoing, asyncio.Protocol):
    pass


class BufferedEcho(Echoing, Buffered):
    pass


class HTTP(Answering, asyncio.Protocol):
    pass


class BufferedHTTP(Answering, Buffered):
    pass


def set_no_delay(transport):
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def echo(reader, writer):
    try:
        set_no_delay(writer.transport)
        while data := await reader.read(READ_SIZE):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # load generators end so
    finally:
        writer.close()


async def http(reader, writer):
    try:
        set_no_delay(writer.transport)
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


PROTOCOLS = {
    ("echo", "protocol"): Echo, ("echo", "buffered"): BufferedEcho,
    ("http", "protocol"): HTTP, ("http", "buffered"): BufferedHTTP,
}
HANDLERS = {"echo": echo, "http": http}


def parse(what, arguments):
    """What `serve` is to be given: None if the arguments make no sense."""
    place_length = 1 if what == "echo-unix" else 2
    place, mode = arguments[:place_length], arguments[place_length:] or ["protocol"]
    if len(place) < place_length or mode not in (["protocol"], ["buffered"], ["stream"]):
        return None
    if place_length == 2:
        if not place[1].isdecimal():
            return None
        place[1] = int(place[1])
    return what.removesuffix("-unix"), place, mode[0]


async def serve(what, place, mode):
    """Serves until the process is told to end. `place` is a path, or a host and a port."""
    loop = asyncio.get_running_loop()
    if mode == "stream":
        start = asyncio.start_unix_server if len(place) == 1 else asyncio.start_server
        server = await start(HANDLERS[what], *place, backlog=1024)
    else:
        create = loop.create_unix_server if len(place) == 1 else loop.create_server
        server = await create(PROTOCOLS[what, mode], *place, backlog=1024)
    print("LISTENING", flush=True)
    await server.serve_forever()
