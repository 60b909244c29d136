"""Both are over in the same round: each counts for itself."""

import asyncio

from oracle import outcome, run, say, shown


async def main(loop):
    async def inner():
        async with asyncio.timeout(0) as limit:
            try:
                await loop.create_future()
            finally:
                say("inner expired", limit.expired(), asyncio.current_task().cancelling())

    async def outer():
        async with asyncio.timeout(0) as limit:
            try:
                await inner()
            except BaseException as error:
                say("inner", shown(error), limit.expired(), asyncio.current_task().cancelling())
                raise

    say("outer", await outcome(outer()), asyncio.current_task().cancelling())


run(main)
