"""A deadline that is moved: away, into the past, and lifted."""

import asyncio

from oracle import outcome, rounds, run, say


async def main(loop):
    async def past():
        async with asyncio.timeout(60) as limit:
            await rounds(1)
            limit.reschedule(loop.time() - 1)
            await rounds(1)
            say("one round")
            await rounds(2)
            say("not here")

    async def lifted():
        async with asyncio.timeout(0) as limit:
            limit.reschedule(None)
            await rounds(3)
            say("lifted", limit.when() is None, limit.expired())

    async def away():
        async with asyncio.timeout(0) as limit:
            limit.reschedule(loop.time() + 60)
            await rounds(3)
            say("away", limit.expired())

    say(await outcome(past()))
    say(await outcome(lifted()))
    say(await outcome(away()))


run(main)
