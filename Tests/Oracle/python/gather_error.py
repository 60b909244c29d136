"""The first error is thrown at once; the others go on."""

import asyncio

from oracle import E, outcome, run, say, state, ticks, worker


async def main(loop):
    tasks = [
        loop.create_task(worker("a", 4, 1)),
        loop.create_task(worker("b", 1, error=E("b"))),
        loop.create_task(worker("c", 2, error=E("c"))),
    ]
    ticker = loop.create_task(ticks(7))
    say(await outcome(asyncio.gather(*tasks)))
    await ticker
    say(*(state(task) for task in tasks))


run(main)
