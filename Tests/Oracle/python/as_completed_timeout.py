"""When the time is over the iteration fails; the futures go on."""

import asyncio

from oracle import outcome, run, say, state, worker


async def main(loop):
    slow = loop.create_future()
    tasks = [loop.create_task(worker("a", 1, 1)), slow]
    try:
        async for future in asyncio.as_completed(tasks, timeout=0.02):
            say("got", await outcome(future))
    except TimeoutError:
        say("timeout")
    say(state(slow))


run(main)
