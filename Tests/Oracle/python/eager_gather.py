"""To gather eager tasks that are done."""

import asyncio

from oracle import run, say, worker


async def main(loop):
    loop.set_task_factory(asyncio.eager_task_factory)
    tasks = [loop.create_task(worker(name, 0, 1)) for name in "ab"]
    say("created")
    loop.call_soon(say, "soon")
    say(await asyncio.gather(*tasks))
    tasks = [loop.create_task(worker("c", 0, 1)), loop.create_task(worker("d", 1, 2))]
    loop.call_soon(say, "soon")
    say(await asyncio.gather(*tasks))


run(main)
