"""The failure of an inner group is a failure in the outer one."""

import asyncio

from oracle import E, outcome, run, say, shown, ticks, worker


async def main(loop):
    async def outer():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("outer child", 20))
            try:
                async with asyncio.TaskGroup() as inner:
                    inner.create_task(worker("inner child", 20))
                    inner.create_task(worker("fails", 1, error=E("x")))
            except* E as error:
                say("inner", shown(error))
                raise

    ticker = loop.create_task(ticks(10))
    say("outer", await outcome(outer()), asyncio.current_task().cancelling())
    await ticker


run(main)
