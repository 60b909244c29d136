"""A task that is cancelled cancels the future it waits for, and with it all who wait."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    future = loop.create_future()
    tasks = [loop.create_task(worker_on(name, future)) for name in "abc"]
    await rounds(1)
    tasks[1].cancel()
    say("future", state(future))
    await ticks(3)
    say(*(state(task) for task in tasks))


async def worker_on(name, future):
    try:
        await future
    except asyncio.CancelledError:
        say(name, "cancelled")
        raise


run(main)
