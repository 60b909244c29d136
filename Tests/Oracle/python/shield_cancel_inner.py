"""What is behind the shield may be cancelled, which is seen outside."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks, worker


async def main(loop):
    async def waits():
        say("outer", await outcome(asyncio.shield(inner)))
        say("cancelling", asyncio.current_task().cancelling())

    inner = loop.create_task(worker("inner", 9))
    outer = loop.create_task(waits())
    await rounds(2)
    inner.cancel()
    await ticks(4)
    say(state(inner), state(outer))


run(main)
