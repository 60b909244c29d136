"""A task that cancels itself and returns without a wait is cancelled."""

import asyncio

from oracle import E, rounds, run, say, state


async def main(loop):
    async def work(error):
        asyncio.current_task().cancel()
        if error:
            raise error
        return 1

    a, b = loop.create_task(work(None)), loop.create_task(work(E("x")))
    await rounds(2)
    say(state(a), state(b))


run(main)
