"""A group waits for its children."""

import asyncio

from oracle import run, say, state, ticks, worker


async def main(loop):
    ticker = loop.create_task(ticks(8))
    async with asyncio.TaskGroup() as group:
        a = group.create_task(worker("a", 3, 1))
        b = group.create_task(worker("b", 1, 2))
        say("body ends")
    say("group ends", state(a), state(b))
    async with asyncio.TaskGroup() as group:
        say("empty")
    await ticker


run(main)
