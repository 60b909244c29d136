"""Without a limit, and with a limit that is not reached."""

import asyncio

from oracle import E, outcome, rounds, run, say


async def main(loop):
    async def body(delay, error):
        async with asyncio.timeout(delay) as limit:
            await rounds(2)
            say("limited", limit.when() is not None)
            if error:
                raise error
        say("expired", limit.expired())

    say(await outcome(body(None, None)))
    say(await outcome(body(60, None)))
    say(await outcome(body(60, E("x"))))


run(main)
