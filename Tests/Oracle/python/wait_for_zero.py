"""No time at all: what is done counts, what is not is cancelled before it begins, or where it is."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks, worker


async def main(loop):
    done = loop.create_task(worker("done", 0, 1))
    begun = loop.create_task(worker("begun", 9))
    await rounds(2)
    fresh = loop.create_task(worker("fresh", 0))
    ticker = loop.create_task(ticks(6))
    say(await outcome(asyncio.wait_for(done, 0)))
    say(await outcome(asyncio.wait_for(begun, 0)))
    say(await outcome(asyncio.wait_for(fresh, 0)))
    say(await outcome(asyncio.wait_for(loop.create_future(), -1)))
    await ticker
    say(state(begun), state(fresh))


run(main)
