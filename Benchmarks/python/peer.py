"""Every workload on Python's event loops, one process for each:

    peer.py asyncio|uvloop BENCH [N]
    peer.py asyncio|uvloop echo HOST PORT [MODE] | echo-unix PATH [MODE] | http HOST PORT [MODE]

MODE is protocol or stream.
"""

import asyncio
import concurrent.futures
import json
import resource
import socket
import sys
import threading
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"
READ_SIZE = 65536


# Measuring


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Measure:
    peer = "asyncio"

    def __init__(self, bench, count):
        self.bench, self.count = bench, count
        self.wall, self.cpu = time.perf_counter(), cpu_seconds()

    def report(self):
        wall, cpu = time.perf_counter() - self.wall, cpu_seconds() - self.cpu
        per_operation = 1e9 / self.count
        print(json.dumps({
            "peer": Measure.peer, "bench": self.bench, "n": self.count, "seconds": wall,
            "per_op_ns": wall * per_operation, "cpu_seconds": cpu, "cpu_per_op_ns": cpu * per_operation,
        }))


# Callbacks, timers and threads


class Countdown:
    """Stops the loop when it has been called often enough."""

    def __init__(self, loop, count):
        self.loop, self.left = loop, count

    def __call__(self, *_):
        self.left -= 1
        if self.left == 0:
            self.loop.stop()


def call_soon(loop, count):
    left = count

    def chain():
        nonlocal left
        left -= 1
        if left:
            loop.call_soon(chain)
        else:
            loop.stop()

    loop.call_soon(chain)


def call_soon_batch(loop, count):
    left = count

    def ran():
        nonlocal left
        left -= 1
        if left == 0:
            loop.stop()
        elif left % 1000 == 0:
            schedule()

    def schedule():
        for _ in range(min(1000, left)):
            loop.call_soon(ran)

    schedule()


def call_later(loop, count):
    state = 12345
    done = Countdown(loop, count)
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        loop.call_later((1 + (state >> 16) % 50) / 1000, done)


def timer_cancel(loop, count):
    done = Countdown(loop, max(count // 1000, 1))

    def cancel_some():
        for _ in range(1000):
            loop.call_later(60, done).cancel()
        done()
        if done.left:
            loop.call_soon(cancel_some)

    loop.call_soon(cancel_some)


def call_soon_threadsafe(loop, count):
    done = Countdown(loop, count)

    def post():
        for _ in range(count):
            loop.call_soon_threadsafe(done)

    threading.Thread(target=post).start()


def wakeup_pingpong(loop, count):
    other = asyncio.new_event_loop()
    thread = threading.Thread(target=other.run_forever)
    thread.start()
    left = count // 2

    def ping():
        nonlocal left
        left -= 1
        if left < 0:
            other.call_soon_threadsafe(other.stop)
            loop.stop()
        else:
            other.call_soon_threadsafe(loop.call_soon_threadsafe, ping)

    loop.call_soon(ping)


def nothing():
    pass


def run_in_executor(loop, count):
    pool = concurrent.futures.ThreadPoolExecutor(4)
    done = Countdown(loop, count)
    to_submit = count

    def submit(_=None):
        nonlocal to_submit
        if to_submit:
            to_submit -= 1
            future = loop.run_in_executor(pool, nothing)
            future.add_done_callback(submit)
            future.add_done_callback(done)

    for _ in range(64):
        submit()


# Tasks


async def task_switch(loop, count):
    async def give_way():
        for _ in range(count // 2):
            await asyncio.sleep(0)

    await asyncio.gather(give_way(), give_way())


async def empty():
    pass


async def task_spawn(loop, count):
    for _ in range(max(count // 1000, 1)):
        for task in [loop.create_task(empty()) for _ in range(1000)]:
            await task


async def future_await(loop, count):
    for _ in range(count):
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        await future


async def sleep(loop, count):
    async def sleeper():
        for _ in range(10):
            await asyncio.sleep(0.001)

    await asyncio.gather(*(sleeper() for _ in range(max(count // 10, 1))))


async def queue(loop, count):
    shared = asyncio.Queue(64)

    async def produce():
        for number in range(count):
            await shared.put(number)

    async def consume():
        for expected in range(count):
            assert await shared.get() == expected

    await asyncio.gather(produce(), consume())


CALLBACKS = {
    function.__name__: function
    for function in (call_soon, call_soon_batch, call_later, timer_cancel, call_soon_threadsafe, wakeup_pingpong,
                     run_in_executor)
}
TASKS = {function.__name__: function for function in (task_switch, task_spawn, future_await, sleep, queue)}
FEWER = {"call_later", "sleep", "run_in_executor", "wakeup_pingpong"}


def run_workload(bench, arguments):
    count = int(arguments[0]) if arguments else 100_000 if bench in FEWER else 1_000_000
    loop = asyncio.new_event_loop()
    if bench in CALLBACKS:
        measure = Measure(bench, count)
        CALLBACKS[bench](loop, count)
        loop.run_forever()
        measure.report()
    elif bench in TASKS:
        async def measured():
            measure = Measure(bench, count)
            await TASKS[bench](loop, count)
            measure.report()

        loop.run_until_complete(measured())
    else:
        print(json.dumps({"peer": Measure.peer, "bench": bench, "skipped": "there is no such workload"}))


# Servers


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


class Echo(asyncio.Protocol):
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


class HTTP(Echo):
    def __init__(self):
        self.requests = Requests()

    def data_received(self, data):
        self.transport.write(ANSWER * self.requests.feed(data))


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


async def serve(what, arguments):
    place, mode = (arguments[:1], arguments[1:]) if what == "echo-unix" else (arguments[:2], arguments[2:])
    factory, handler = (HTTP, http) if what == "http" else (Echo, echo)
    loop = asyncio.get_running_loop()
    if mode == ["stream"]:
        if what == "echo-unix":
            server = await asyncio.start_unix_server(handler, place[0], backlog=1024)
        else:
            server = await asyncio.start_server(handler, place[0], int(place[1]), backlog=1024)
    elif what == "echo-unix":
        server = await loop.create_unix_server(factory, place[0], backlog=1024)
    else:
        server = await loop.create_server(factory, place[0], int(place[1]), backlog=1024)
    print("LISTENING", flush=True)
    await server.serve_forever()


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("asyncio", "uvloop"):
        sys.exit(__doc__)
    Measure.peer, bench, *arguments = sys.argv[1:]
    if Measure.peer == "uvloop":
        import uvloop

        # Loops are made in several places, among them in libraries.
        asyncio.new_event_loop = uvloop.new_event_loop
    if bench in ("echo", "echo-unix", "http"):
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(serve(bench, arguments))
        except KeyboardInterrupt:
            pass
    else:
        run_workload(bench, arguments)


main()
