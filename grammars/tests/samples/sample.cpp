// A small till.
#include <map>
#include <string>

namespace shop::till {

/// What can be counted.
template <typename T>
class Count {
public:
    virtual ~Count() = default;
    virtual T count() const = 0;
};

class Till final : public Count<int> {
public:
    explicit Till(std::string label) : label_(std::move(label)) {}
    Till(const Till &) = delete;

    /// Adds everything up.
    int count() const override;
    bool operator==(const Till &other) const { return count() == other.count(); }

private:
    std::map<int, int> coins_;
    std::string label_;
};

int Till::count() const {
    int sum = 0;
    for (const auto &[worth, n] : coins_) {
        sum += worth * n;
    }
    return sum;
}

enum class Failure : int { Empty, Short };

using Purse = std::map<int, int>;

template <typename F>
auto apply(F &&f) -> decltype(f()) {
    return [&]() mutable { return f(); }();
}

constexpr int most = 64;

} // namespace shop::till
