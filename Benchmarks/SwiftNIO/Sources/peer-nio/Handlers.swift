// The servers as channel handlers.

import NIOCore
import NIOPosix
import NativeWorkloads

/// Reading pauses while too much waits to be written, so a client that does not read costs no memory.
class ServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    final func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }

    final func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.channel.setOption(.autoRead, value: context.channel.isWritable).whenFailure { _ in }
        context.fireChannelWritabilityChanged()
    }

    /// Load generators end so.
    final func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}

final class EchoHandler: ServerHandler {
    override func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.write(data, promise: nil)
    }
}

final class HTTPHandler: ServerHandler {
    private var requests = RequestCounter()
    private let answer = ByteBuffer(bytes: httpAnswer)

    override func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = requests.feed(unwrapInboundIn(data).readableBytesView)
        if count == 0 { return }
        let answers = count == 1 ? answer : ByteBuffer(bytes: httpAnswers(count))
        context.write(wrapOutboundOut(answers), promise: nil)
    }
}
