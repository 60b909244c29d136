// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "swift-asyncio",
    platforms: [.macOS("26.0")],
    products: [
        .library(name: "AsyncIO", targets: ["AsyncIO"]),
        .executable(name: "tour", targets: ["tour"]),
    ],
    targets: [
        .systemLibrary(
            name: "CLibuv",
            pkgConfig: "libuv",
            providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .target(name: "AsyncIO", dependencies: ["CLibuv"], swiftSettings: strict),
        .executableTarget(name: "tour", dependencies: ["AsyncIO"], swiftSettings: strict),
        .testTarget(name: "AsyncIOTests", dependencies: ["AsyncIO"], swiftSettings: strict),
        .testTarget(
            name: "OracleTests", dependencies: ["AsyncIO"], path: "Tests/Oracle", exclude: ["python", "traces"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
