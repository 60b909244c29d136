"""The outer timeout is over first: the inner one does not take it for its own."""

import asyncio

from oracle import outcome, run, say, shown


async def main(loop):
    async def inner():
        async with asyncio.timeout(60) as limit:
            try:
                await loop.create_future()
            finally:
                say("inner expired", limit.expired())

    async def outer():
        async with asyncio.timeout(0.002) as limit:
            try:
                await inner()
            except BaseException as error:
                say("inner", shown(error), limit.expired())
                raise

    say("outer", await outcome(outer()), asyncio.current_task().cancelling())


run(main)
