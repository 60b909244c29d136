"""An error in a generator comes out where a value is asked for; the generator has ended then."""

from oracle import E, outcome, run, say


async def main(loop):
    async def numbers():
        yield 1
        raise E("x")

    async def consume():
        async for number in generator:
            say("got", number)

    generator = numbers()
    say(await outcome(consume()))
    say(await outcome(consume()))


run(main)
