"""Those who wait for items get them in the order in which they came; who comes in between may be faster."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    queue = asyncio.Queue()

    async def consume(name):
        say(name, "got", await queue.get())

    tasks = [loop.create_task(consume(name)) for name in "abc"]
    await rounds(1)
    queue.put_nowait(1)
    queue.put_nowait(2)
    await consume("main")
    await ticks(3)
    queue.put_nowait(3)
    queue.put_nowait(4)
    await ticks(3)
    say(*(state(task) for task in tasks), queue.qsize())


run(main)
