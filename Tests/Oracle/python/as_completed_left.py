"""An iteration may be left early; what is left goes on."""

import asyncio

from oracle import outcome, run, say, state, ticks, worker


async def main(loop):
    tasks = [loop.create_task(worker(name, count, count)) for name, count in [("a", 2), ("b", 4), ("c", 6)]]
    ticker = loop.create_task(ticks(9))
    async for future in asyncio.as_completed(tasks):
        say("got", await outcome(future))
        break
    await ticker
    say(*(state(task) for task in tasks))


run(main)
