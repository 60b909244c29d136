"""A cancellation goes down a chain of tasks to what the last one waits for, and comes up round by round."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    future = loop.create_future()

    async def link(name, awaited):
        try:
            await awaited
        except asyncio.CancelledError:
            say(name, "cancelled", asyncio.current_task().cancelling())
            raise

    c = loop.create_task(link("c", future))
    b = loop.create_task(link("b", c))
    a = loop.create_task(link("a", b))
    await rounds(2)
    a.cancel()
    say(state(future), a.cancelling(), b.cancelling(), c.cancelling())
    await ticks(5)
    say(state(a), state(b), state(c))


run(main)
