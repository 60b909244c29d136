"""A cancellation from outside goes to the task that is waited for."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks, worker


async def main(loop):
    async def waits():
        say(await outcome(asyncio.wait_for(inner, 60)))
        say("cancelling", asyncio.current_task().cancelling())

    inner = loop.create_task(worker("inner", 20))
    outer = loop.create_task(waits())
    await rounds(2)
    outer.cancel()
    await ticks(4)
    say(state(inner), state(outer))


run(main)
