"""A cancellation of the parent goes to the body, or to the children."""

import asyncio

from oracle import rounds, run, say, state, ticks, worker


async def main(loop):
    async def waits_in_body():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("a", 9))
            try:
                await loop.create_future()
            finally:
                say("body cancelled")

    async def waits_at_end():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("b", 9))
            group.create_task(worker("c", 9))

    tasks = [loop.create_task(waits_in_body()), loop.create_task(waits_at_end())]
    await rounds(3)
    for task in tasks:
        task.cancel()
    await ticks(6)
    say(*(state(task) for task in tasks))
    say(*(task.cancelling() for task in tasks))


run(main)
