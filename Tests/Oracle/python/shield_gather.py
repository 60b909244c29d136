"""A gathering behind a shield survives the cancellation of who waits for it."""

import asyncio

from oracle import rounds, run, say, state, ticks, worker


async def main(loop):
    async def gathers():
        return await asyncio.gather(*tasks)

    async def waits():
        await asyncio.shield(gathering)

    tasks = [loop.create_task(worker(name, 4, 1)) for name in "ab"]
    gathering = loop.create_task(gathers())
    outer = loop.create_task(waits())
    await rounds(3)
    outer.cancel()
    await ticks(7)
    say(state(outer), state(gathering))


run(main)
