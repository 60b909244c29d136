"""Cancelled timers do not run, whoever cancels them."""

from oracle import run, say


async def main(loop):
    over = loop.create_future()
    base = loop.time() - 10
    handles = {}
    handles["a"] = loop.call_at(base, lambda: (say("a"), handles["c"].cancel()))
    handles["b"] = loop.call_at(base + 1, say, "b")
    handles["c"] = loop.call_at(base + 2, say, "c")
    handles["d"] = loop.call_at(base + 3, lambda: (say("d"), over.set_result(None)))
    handles["b"].cancel()
    await over
    say(*(handles[name].cancelled() for name in "abcd"))


run(main)
