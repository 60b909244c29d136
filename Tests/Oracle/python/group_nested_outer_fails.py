"""A failure in the outer group cancels the wait of the inner one."""

import asyncio

from oracle import E, outcome, run, say, shown, ticks, worker


async def main(loop):
    async def outer():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("fails", 3, error=E("x")))
            try:
                async with asyncio.TaskGroup() as inner:
                    inner.create_task(worker("inner child", 20))
            except BaseException as error:
                say("inner", shown(error), asyncio.current_task().cancelling())
                raise

    ticker = loop.create_task(ticks(10))
    say("outer", await outcome(outer()), asyncio.current_task().cancelling())
    await ticker


run(main)
