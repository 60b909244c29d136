// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
let strictC: [CSetting] = [.define("_GNU_SOURCE"), .unsafeFlags(["-Wall", "-Wextra"])]
let asyncIO = Target.Dependency.product(name: "AsyncIO", package: "swift-asyncio")

let package = Package(
    name: "Benchmarks",
    platforms: [.macOS("26.0")],
    products: [
        .executable(name: "peer", targets: ["peer"]),
        .executable(name: "compare", targets: ["compare"]),
    ],
    dependencies: [.package(name: "swift-asyncio", path: "..")],
    targets: [
        .executableTarget(name: "peer", dependencies: [asyncIO], swiftSettings: strict),
        .executableTarget(name: "peer-libuv", cSettings: strictC, linkerSettings: [.linkedLibrary("uv")]),
        .target(name: "NativeWorkloads", swiftSettings: strict),
        .executableTarget(name: "peer-dispatch", dependencies: ["NativeWorkloads"], swiftSettings: strict),
        .executableTarget(name: "load", cSettings: strictC),
        .executableTarget(name: "compare", dependencies: [asyncIO], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
