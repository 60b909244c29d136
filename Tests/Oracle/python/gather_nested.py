"""A gathering of tasks that gather."""

import asyncio

from oracle import run, say, ticks, worker


async def main(loop):
    async def inner(name):
        tasks = [loop.create_task(worker(name + str(number), number, number)) for number in (2, 1)]
        return sum(await asyncio.gather(*tasks))

    ticker = loop.create_task(ticks(10))
    say(await asyncio.gather(loop.create_task(inner("a")), loop.create_task(inner("b"))))
    await ticker


run(main)
