"""All are waited for, and errors are results."""

import asyncio

from oracle import E, run, say, shown, ticks, worker


async def main(loop):
    tasks = [
        loop.create_task(worker("a", 3, 1)),
        loop.create_task(worker("b", 1, error=E("b"))),
        loop.create_task(worker("c", 9)),
    ]
    loop.call_soon(tasks[2].cancel)
    ticker = loop.create_task(ticks(7))
    results = await asyncio.gather(*tasks, return_exceptions=True)
    say(*(shown(result) if isinstance(result, BaseException) else result for result in results))
    await ticker


run(main)
