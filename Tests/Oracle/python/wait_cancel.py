"""A wait that is cancelled leaves the futures alone."""

import asyncio

from oracle import rounds, run, say, state, ticks, worker


async def main(loop):
    async def waits():
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            say("wait cancelled")
            raise

    tasks = [loop.create_task(worker("a", 4)), loop.create_task(worker("b", 5))]
    outer = loop.create_task(waits())
    await rounds(2)
    outer.cancel()
    await ticks(6)
    say(state(outer), *(state(task) for task in tasks))


run(main)
