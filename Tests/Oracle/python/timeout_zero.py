"""A timeout of zero ends the body at the first await that gives way long enough."""

import asyncio

from oracle import outcome, rounds, run, say, ticks


async def main(loop):
    async def body():
        async with asyncio.timeout(0):
            say("begins")
            await rounds(1)
            say("one round")
            await rounds(1)
            say("two rounds")

    async def without_wait():
        async with asyncio.timeout(0) as limit:
            say("no wait")
        say("expired", limit.expired())

    ticker = loop.create_task(ticks(4))
    say(await outcome(body()))
    say(await outcome(without_wait()))
    await ticker


run(main)
