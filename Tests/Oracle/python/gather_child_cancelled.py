"""A child that is cancelled cancels the gathering, not the other children."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks, worker


async def main(loop):
    tasks = [loop.create_task(worker("a", 4, 1)), loop.create_task(worker("b", 9))]
    ticker = loop.create_task(ticks(7))
    await rounds(1)
    tasks[1].cancel()
    say(await outcome(asyncio.gather(*tasks)), asyncio.current_task().cancelling())
    await ticker
    say(*(state(task) for task in tasks))


run(main)
