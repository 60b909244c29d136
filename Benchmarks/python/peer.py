"""Every workload on Python's event loops, one process for each:

    peer.py asyncio|uvloop BENCH [N]
    peer.py asyncio|uvloop echo HOST PORT [MODE] | echo-unix PATH [MODE] | http HOST PORT [MODE]

N is above 0; MODE is protocol, buffered or stream.
"""

import asyncio
import concurrent.futures
import json
import resource
import sys
import threading
import time

import servers


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


def nothing():
    pass


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

    # What is above a multiple of a thousand comes first.
    def schedule():
        for _ in range((left - 1) % 1000 + 1):
            loop.call_soon(ran)

    schedule()


def call_later(loop, count):
    state = 12345
    done = Countdown(loop, count)
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        loop.call_later((1 + (state >> 16) % 50) / 1000, done)


def timer_cancel(loop, count):
    left = count

    def cancel_some():
        nonlocal left
        some = min(1000, left)
        for _ in range(some):
            loop.call_later(60, nothing).cancel()
        left -= some
        if left:
            loop.call_soon(cancel_some)
        else:
            loop.stop()

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
    async def give_way(times):
        for _ in range(times):
            await asyncio.sleep(0)

    await asyncio.gather(give_way(count - count // 2), give_way(count // 2))


async def empty():
    pass


async def task_spawn(loop, count):
    for done in range(0, count, 1000):
        for task in [loop.create_task(empty()) for _ in range(min(1000, count - done))]:
            await task


async def future_await(loop, count):
    for _ in range(count):
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        await future


async def sleep(loop, count):
    async def sleeper(times):
        for _ in range(times):
            await asyncio.sleep(0.001)

    await asyncio.gather(*(sleeper(min(10, count - begun)) for begun in range(0, count, 10)))


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


def usage():
    print(__doc__.strip(), file=sys.stderr)
    sys.exit(2)


def positive(text):
    if not text.isdecimal() or int(text) == 0:
        usage()
    return int(text)


def run_workload(bench, arguments):
    if len(arguments) > 1:
        usage()
    count = positive(arguments[0]) if arguments else 100_000 if bench in FEWER else 1_000_000
    if bench == "wakeup_pingpong":
        count += count % 2  # a hop there is one back as well
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


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("asyncio", "uvloop"):
        usage()
    Measure.peer, bench, *arguments = sys.argv[1:]
    if Measure.peer == "uvloop":
        import uvloop

        # Loops are made in several places, among them in libraries.
        asyncio.new_event_loop = uvloop.new_event_loop
    if bench not in ("echo", "echo-unix", "http"):
        run_workload(bench, arguments)
        return
    server = servers.parse(bench, arguments)
    if server is None:
        usage()
    try:
        asyncio.new_event_loop().run_until_complete(servers.serve(*server))
    except KeyboardInterrupt:
        pass


main()
