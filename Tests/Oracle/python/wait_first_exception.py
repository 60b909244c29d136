"""The first error ends the wait; a cancellation does not."""

import asyncio

from oracle import E, run, say, state, ticks, worker


async def main(loop):
    tasks = [
        loop.create_task(worker("a", 1)),
        loop.create_task(worker("b", 9)),
        loop.create_task(worker("c", 3, error=E("c"))),
        loop.create_task(worker("d", 6)),
    ]
    loop.call_soon(tasks[1].cancel)
    ticker = loop.create_task(ticks(9))
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    say(len(done), len(pending))
    await ticker
    say(*(state(task) for task in tasks))


run(main)
