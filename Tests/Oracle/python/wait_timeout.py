"""A wait whose time is over returns what is done."""

import asyncio

from oracle import outcome, run, say, state, worker


async def main(loop):
    tasks = [loop.create_task(worker("a", 1)), loop.create_task(forever(loop))]
    done, pending = await asyncio.wait(tasks, timeout=0.02)
    say(len(done), len(pending), state(tasks[1]))
    tasks[1].cancel()
    say(await outcome(tasks[1]))


async def forever(loop):
    await loop.create_future()


run(main)
