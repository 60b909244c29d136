"""When the time is over the operation is cancelled and waited for."""

import asyncio

from oracle import outcome, rounds, run, say, state


async def main(loop):
    async def slow():
        try:
            await loop.create_future()
        finally:
            say("cleans up")
            await rounds(3)
            say("is clean")

    say(await outcome(asyncio.wait_for(slow(), 0.002)))
    task = loop.create_task(slow())
    say(await outcome(asyncio.wait_for(task, 0.002)), state(task), asyncio.current_task().cancelling())


run(main)
