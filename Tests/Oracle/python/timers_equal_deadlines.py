"""Two timers with one deadline run in the order in which they were made.

Of three, CPython's heap runs the last one second: there is no order to compare.
"""

from oracle import run, say


async def main(loop):
    over = loop.create_future()
    base = loop.time() + 0.005
    for name in "ab":
        loop.call_at(base, say, name)
    loop.call_at(base + 0.001, over.set_result, None)
    await over
    say("over")


run(main)
