"""Who waits behind a shield is cancelled alone."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks, worker


async def main(loop):
    async def waits():
        say("outer", await outcome(asyncio.shield(inner)))
        say("cancelling", asyncio.current_task().cancelling())

    inner = loop.create_task(worker("inner", 5, 1))
    outer = loop.create_task(waits())
    await rounds(2)
    outer.cancel()
    await ticks(6)
    say(state(inner), state(outer))


run(main)
