"""All who wait for an event go on in order; who comes later does not wait."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    event = asyncio.Event()

    async def work(name):
        await event.wait()
        say(name)

    tasks = [loop.create_task(work(name)) for name in "abc"]
    await rounds(1)
    event.set()
    loop.call_soon(say, "soon")
    await work("main")
    tasks[1].cancel()
    await ticks(2)
    say(*(state(task) for task in tasks))


run(main)
