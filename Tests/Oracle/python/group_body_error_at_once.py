"""Children that have not begun never begin."""

import asyncio

from oracle import E, outcome, run, say, state, worker


async def main(loop):
    async def body():
        async with asyncio.TaskGroup() as group:
            a = group.create_task(worker("a", 1))
            a.add_done_callback(lambda task: say("a", state(task)))
            raise E("body")

    say(await outcome(body()))


run(main)
