import Foundation

/// The most coins.
let most = 64

/// What can be counted.
protocol Count {
    var unit: String { get }
    func count() -> Int
}

/// Coins, by their worth.
@available(macOS 12, *)
public final class Till: Count {
    private var coins: [Int: Int] = [:]
    let unit = "cent"

    init(label: String? = nil) {
        self.coins = [:]
    }

    deinit {}

    /// Adds everything up.
    func count() -> Int {
        return coins.reduce(0) { sum, pair in sum + pair.key * pair.value }
    }

    static func take(_ amount: Int, from till: Till) throws -> Int {
        guard amount >= 0 else { throw Failure.short(missing: amount) }
        return amount
    }
}

struct Coin {
    let worth: Int
}

enum Failure: Error {
    case empty
    case short(missing: Int)
}

extension Till: Equatable {
    static func == (a: Till, b: Till) -> Bool { a.count() == b.count() }
}

typealias Purse = [Int]

func main() async {
    print("\(most)")
}
