"""Each task knows itself, also after a wait; callbacks run in none."""

import asyncio

from oracle import rounds, run, say


async def main(loop):
    async def work(name):
        say(asyncio.current_task().get_name())
        await rounds(1)
        say(name, asyncio.current_task().get_name())

    tasks = [loop.create_task(work(name), name="task " + name) for name in "ab"]
    loop.call_soon(lambda: say("callback", asyncio.current_task() is None))
    for task in tasks:
        await task
    say(len(asyncio.all_tasks()))


run(main)
