"""Room for a task that is cancelled goes to the next one."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    queue = asyncio.Queue(1)

    async def produce(name):
        try:
            await queue.put(name)
            say(name, "put")
        except asyncio.CancelledError:
            say(name, "cancelled")
            raise

    queue.put_nowait("first")
    tasks = [loop.create_task(produce(name)) for name in "abc"]
    await rounds(1)
    say("got", queue.get_nowait())
    tasks[0].cancel()
    await ticks(4)
    say("got", queue.get_nowait())
    await ticks(3)
    say(*(state(task) for task in tasks), queue.get_nowait())


run(main)
