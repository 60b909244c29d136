"""Errors of children that fail while they are cancelled are collected in order."""

import asyncio

from oracle import E, outcome, rounds, run, say, ticks, worker


async def main(loop):
    async def stubborn(name, count):
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            await rounds(count)
            say(name, "fails")
            raise E(name)

    async def body():
        async with asyncio.TaskGroup() as group:
            group.create_task(stubborn("a", 2))
            group.create_task(worker("b", 1, error=E("b")))
            group.create_task(stubborn("c", 1))

    ticker = loop.create_task(ticks(8))
    say(await outcome(body()))
    await ticker


run(main)
