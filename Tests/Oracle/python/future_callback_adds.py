"""A callback that is added by a callback comes one round later."""

from oracle import run, say, ticks


async def main(loop):
    future = loop.create_future()

    def first(future):
        say("first")
        future.add_done_callback(lambda future: say("third"))

    future.add_done_callback(first)
    future.add_done_callback(lambda future: say("second"))
    future.set_result(None)
    await ticks(4)


run(main)
