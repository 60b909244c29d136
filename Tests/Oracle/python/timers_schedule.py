"""What timers schedule comes after all timers that are due."""

from oracle import run, say


async def main(loop):
    over = loop.create_future()
    base = loop.time() - 10

    def fire(name):
        say("timer", name)
        loop.call_soon(say, "soon", name)

    loop.call_at(base, fire, "a")
    loop.call_at(base + 1, fire, "b")
    loop.call_at(base + 2, fire, "c")
    loop.call_at(base + 3, lambda: loop.call_soon(over.set_result, None))
    await over
    say("over")


run(main)
