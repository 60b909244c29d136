"""Some are notified in order, then all."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    condition = asyncio.Condition()

    async def work(name):
        async with condition:
            await condition.wait()
            say(name, condition.locked())
            await rounds(1)
            say(name, "leaves")

    tasks = [loop.create_task(work(name)) for name in "abcd"]
    await rounds(2)
    async with condition:
        condition.notify(2)
        say("notified two")
        await rounds(2)
        say("main leaves")
    await ticks(6)
    async with condition:
        condition.notify_all()
    await ticks(6)
    say(*(state(task) for task in tasks))


run(main)
