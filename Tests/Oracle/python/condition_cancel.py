"""Who is cancelled takes the lock again before leaving."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    condition = asyncio.Condition()

    async def work(name):
        async with condition:
            try:
                await condition.wait()
                say(name, "notified")
            except asyncio.CancelledError:
                say(name, "cancelled", condition.locked())
                raise

    tasks = [loop.create_task(work(name)) for name in "ab"]
    await rounds(1)
    async with condition:
        tasks[0].cancel()
        await ticks(3)
        say("main leaves")
    await ticks(3)
    say(*(state(task) for task in tasks))
    async with condition:
        condition.notify()
    await ticks(3)
    say(*(state(task) for task in tasks))


run(main)
