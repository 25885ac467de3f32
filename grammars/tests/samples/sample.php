<?php

declare(strict_types=1);

namespace Shop\Till;

use InvalidArgumentException;

const MOST = 64;

/** What can be counted. */
interface Count
{
    public function count(): int;
}

trait Labels
{
    private ?string $label = null;
}

/**
 * Coins, by their worth.
 */
#[Attribute]
final class Till extends Base implements Count
{
    use Labels;

    public const LEAST = 0;

    public function __construct(private array $coins = [])
    {
    }

    /** Adds everything up. */
    public function count(): int
    {
        return array_sum(array_map(fn ($worth, $n) => $worth * $n, $this->coins));
    }

    public static function take(int $amount, int ...$rest): static
    {
        if ($amount < 0) {
            throw new InvalidArgumentException("negative: {$amount}");
        }
        return new static();
    }
}

enum Failure: string
{
    case Empty = 'empty';
    case Short = 'short';
}

function main(): void
{
    echo match (true) { default => 'ok' };
}
?>
<p><?= MOST ?></p>
