"""Callbacks run in the order in which they were scheduled; cancelled ones do not run."""

from oracle import run, say


async def main(loop):
    over = loop.create_future()
    handles = [loop.call_soon(say, name) for name in "abcd"]
    handles[1].cancel()
    loop.call_soon(lambda: (say("last"), over.set_result(None)))
    say("scheduled")
    await over
    say("cancelled", [handle.cancelled() for handle in handles].count(True))


run(main)
