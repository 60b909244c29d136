"""If the end of the chain swallows a cancellation, those above do not see it."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    async def stubborn():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            say("swallowed")
        return 3

    async def link(awaited):
        value = await awaited
        say("link", value, asyncio.current_task().cancelling())
        await rounds(1)
        return value + 1

    inner = loop.create_task(stubborn())
    outer = loop.create_task(link(inner))
    await rounds(2)
    outer.cancel()
    await ticks(4)
    say(state(outer), state(inner))


run(main)
