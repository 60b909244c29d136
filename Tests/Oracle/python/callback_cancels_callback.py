"""A callback takes back another one that is ready already."""

from oracle import run, say, ticks


async def main(loop):
    handles = []
    loop.call_soon(lambda: (say("a"), handles[0].cancel()))
    handles.append(loop.call_soon(say, "b"))
    loop.call_soon(say, "c")
    await ticks(2)


run(main)
