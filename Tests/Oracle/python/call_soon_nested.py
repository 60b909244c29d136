"""What a callback schedules runs in the next round."""

from oracle import run, say, ticks


async def main(loop):
    def outer(name):
        say("outer", name)
        loop.call_soon(inner, name, 1)

    def inner(name, depth):
        say("inner", name, depth)
        if depth < 3:
            loop.call_soon(inner, name, depth + 1)

    loop.call_soon(outer, "a")
    loop.call_soon(outer, "b")
    await ticks(6)


run(main)
