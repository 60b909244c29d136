"""A notification for a task that is cancelled goes to the next one."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks


async def main(loop):
    condition = asyncio.Condition()

    async def notified():
        await condition.wait()

    async def work(name):
        async with condition:
            say(name, await outcome(notified()))

    tasks = [loop.create_task(work(name)) for name in "abc"]
    await rounds(1)
    async with condition:
        condition.notify()
        tasks[0].cancel()
    await ticks(6)
    say(*(state(task) for task in tasks))
    async with condition:
        condition.notify_all()
    await ticks(4)
    say(*(state(task) for task in tasks))


run(main)
