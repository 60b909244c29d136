"""Timers that are due run in the order of their deadlines, after what was ready before."""

from oracle import run, say


async def main(loop):
    over = loop.create_future()
    base = loop.time() - 10
    for offset in [3, 1, 4, 0, 5, 2]:
        loop.call_at(base + offset, say, "timer", offset)
    loop.call_at(base + 9, over.set_result, None)
    loop.call_soon(say, "soon")
    await over
    say("over")


run(main)
