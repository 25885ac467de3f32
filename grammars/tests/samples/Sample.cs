using System;
using System.Collections.Generic;

namespace Shop.Tills;

/// <summary>What can be counted.</summary>
public interface ICount
{
    int Count { get; }
}

/// <summary>Coins, by their worth.</summary>
[Serializable]
public sealed class Till : ICount
{
    public const int Most = 64;
    private readonly Dictionary<int, int> coins = new();

    public Till(string label) => Label = label;

    public string? Label { get; init; } = "till";

    /// <summary>Adds everything up.</summary>
    public int Count
    {
        get { return coins.Count; }
    }

    public async Task<int> TakeAsync(int amount, params int[] rest)
    {
        int Inner(int x) => x;
        if (amount < 0) throw new ArgumentException(nameof(amount));
        return Inner(amount) switch { 0 => 1, var n when n > 2 => n, _ => 2 };
    }

    public event EventHandler? Changed;
    public static bool operator ==(Till a, Till b) => true;
    public static bool operator !=(Till a, Till b) => false;
}

public enum Failure { Empty, Short = 2 }

public record Coin(int Worth, string Name);

public struct Point { public int X; }

delegate void Visit(int x);
