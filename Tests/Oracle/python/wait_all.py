"""All are waited for; no error comes out."""

import asyncio

from oracle import E, run, say, state, ticks, worker


async def main(loop):
    tasks = [
        loop.create_task(worker("a", 3, 1)),
        loop.create_task(worker("b", 1, error=E("b"))),
        loop.create_task(worker("c", 2, 2)),
    ]
    ticker = loop.create_task(ticks(7))
    done, pending = await asyncio.wait(tasks)
    say(len(done), len(pending))
    await ticker
    say(*(state(task) for task in tasks))


run(main)
