"""A task that is cancelled after its future is done, but before it goes on, is cancelled."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    future = loop.create_future()

    async def work():
        try:
            say("value", await future)
        except asyncio.CancelledError:
            say("cancelled")
        await rounds(1)
        say("goes on")

    task = loop.create_task(work())
    await rounds(1)
    future.set_result(1)
    say(task.cancel())
    await ticks(3)
    say(state(future), state(task))


run(main)
