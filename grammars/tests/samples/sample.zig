//! A small till.
const std = @import("std");

/// The most coins.
pub const most: usize = 64;

/// Coins, by their worth.
pub const Till = struct {
    coins: [most]u32 = undefined,
    label: []const u8,

    /// Adds everything up.
    pub fn count(self: *const Till) u32 {
        var sum: u32 = 0;
        for (self.coins, 0..) |n, worth| {
            sum += n * @as(u32, @intCast(worth));
        }
        return sum;
    }
};

const Failure = error{ Empty, Short };

const Kind = enum { penny, pound };

pub fn take(amount: u32) Failure!u32 {
    if (amount > most) return error.Short;
    return amount;
}

test "starts empty" {
    try std.testing.expectEqual(@as(u32, 0), 0);
}
