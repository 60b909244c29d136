"""Also with return_exceptions the gathering itself is cancelled."""

import asyncio

from oracle import rounds, run, say, state, ticks, worker


async def main(loop):
    async def gathers():
        await asyncio.gather(*tasks, return_exceptions=True)

    tasks = [loop.create_task(worker(name, 20)) for name in "ab"]
    outer = loop.create_task(gathers())
    await rounds(2)
    outer.cancel()
    await ticks(5)
    say(state(outer))


run(main)
