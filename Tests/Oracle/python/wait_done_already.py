"""What is done already ends the wait at once or one round later."""

import asyncio

from oracle import rounds, run, say, ticks, worker


async def main(loop):
    task = loop.create_task(worker("a", 0))
    await rounds(2)
    ticker = loop.create_task(ticks(4))
    done, pending = await asyncio.wait([task])
    say(len(done), len(pending))
    done, pending = await asyncio.wait([task, ticker], return_when=asyncio.FIRST_COMPLETED)
    say(len(done), len(pending))
    await ticker


run(main)
