"""Those who wait for an item are sent away, in order."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks


async def main(loop):
    queue = asyncio.Queue()

    async def consume(name):
        say(name, await outcome(queue.get()))

    tasks = [loop.create_task(consume(name)) for name in "abc"]
    await rounds(1)
    queue.put_nowait(1)
    queue.shutdown()
    await ticks(3)
    say(*(state(task) for task in tasks))


run(main)
