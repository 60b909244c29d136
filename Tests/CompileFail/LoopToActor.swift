// D1: an actor runs its methods on an executor of its own; a loop must not be sent there.

import AsyncIO

actor Keeper {
    var loop: EventLoop?
    func keep(_ loop: EventLoop) { self.loop = loop }
}

func misuse(_ loop: EventLoop, _ keeper: Keeper) async {
    // expect: sending 'loop' risks causing data races
    await keeper.keep(loop)
    loop.stop()
}
