"""A callback that fails is reported, and the others run."""

from oracle import E, run, say, shown, ticks


async def main(loop):
    def fails(name):
        say("fails", name)
        raise E(name)

    loop.set_exception_handler(lambda loop, context: say("report", shown(context["exception"])))
    loop.call_soon(say, "a")
    loop.call_soon(fails, "b")
    loop.call_soon(say, "c")
    loop.call_soon(fails, "d")
    await ticks(3)


run(main)
